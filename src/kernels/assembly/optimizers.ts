// AssemblyScript. Optimizer updates over blocks of float32, four numbers at a time.
//
// Every kernel takes byte offsets (p parameters, g gradients, then the slots), n numbers and its scalars. n is rounded
// up to a multiple of 4: blocks are padded, and a padding of zeros stays zero. Order and rounding of every operation
// are those of the in-graph form (src/nn/optimizers), so that both give the same bits.

// @ts-ignore: decorator
@inline
function load(address: usize): v128 {
  return v128.load(address)
}

// @ts-ignore: decorator
@inline
function store(address: usize, x: v128): void {
  v128.store(address, x)
}

/** 0 in the place of numbers below the normal range, whose exponent bits are 0; src/nn/optimizers/flush.ts says why. */
// @ts-ignore: decorator
@inline
function flush(x: v128): v128 {
  return v128.andnot(x, i32x4.eq(v128.and(x, i32x4.splat(0x7f800000)), i32x4.splat(0)))
}

// @ts-ignore: decorator
@inline
function bytes(n: u32): usize {
  return ((<usize>n + 3) & ~3) << 2
}

/** p -= p * weightDecay * learningRate, before the update. */
export function decay(p: usize, n: u32, weightDecay: f32, learningRate: f32): void {
  const wd = f32x4.splat(weightDecay), lr = f32x4.splat(learningRate), end = bytes(n)
  for (let i: usize = 0; i < end; i += 16) {
    const w = load(p + i)
    store(p + i, f32x4.sub(w, f32x4.mul(f32x4.mul(w, wd), lr)))
  }
}

/** p -= g * learningRate */
export function sgd(p: usize, g: usize, n: u32, learningRate: f32): void {
  const lr = f32x4.splat(learningRate), end = bytes(n)
  for (let i: usize = 0; i < end; i += 16) store(p + i, f32x4.sub(load(p + i), f32x4.mul(load(g + i), lr)))
}

// The functions below with trailing flags are inlined into their exports: the flags are constants there and cost nothing.

// @ts-ignore: decorator
@inline
function heavyBall(p: usize, g: usize, m: usize, n: u32, learningRate: f32, momentum: f32, nesterov: bool): void {
  const lr = f32x4.splat(learningRate), mu = f32x4.splat(momentum), end = bytes(n)
  for (let i: usize = 0; i < end; i += 16) {
    const step = f32x4.mul(load(g + i), lr)
    const next = flush(f32x4.sub(f32x4.mul(load(m + i), mu), step))
    store(m + i, next)
    store(p + i, f32x4.add(load(p + i), nesterov ? f32x4.sub(f32x4.mul(next, mu), step) : next))
  }
}

/** m = m * momentum - g * learningRate; p += m */
export function sgdMomentum(p: usize, g: usize, m: usize, n: u32, learningRate: f32, momentum: f32): void {
  heavyBall(p, g, m, n, learningRate, momentum, false)
}

/** m = m * momentum - g * learningRate; p += m * momentum - g * learningRate */
export function sgdNesterov(p: usize, g: usize, m: usize, n: u32, learningRate: f32, momentum: f32): void {
  heavyBall(p, g, m, n, learningRate, momentum, true)
}

/** sqrt(x + epsilon), or with epsilon outside the root, as Adam and Keras 2's legacy optimizers have it. */
// @ts-ignore: decorator
@inline
function root(x: v128, epsilon: v128, outside: bool): v128 {
  return outside ? f32x4.add(f32x4.sqrt(x), epsilon) : f32x4.sqrt(f32x4.add(x, epsilon))
}

// @ts-ignore: decorator
@inline
function accumulate(p: usize, g: usize, a: usize, n: u32, learningRate: f32, epsilon: f32, legacy: bool): void {
  const lr = f32x4.splat(learningRate), eps = f32x4.splat(epsilon), end = bytes(n)
  for (let i: usize = 0; i < end; i += 16) {
    const gradient = load(g + i)
    const sum = f32x4.add(load(a + i), f32x4.mul(gradient, gradient))
    store(a + i, sum)
    store(p + i, f32x4.sub(load(p + i), f32x4.div(f32x4.mul(lr, gradient), root(sum, eps, legacy))))
  }
}

/** a += g * g; p -= learningRate * g / sqrt(a + epsilon) */
export function adagrad(p: usize, g: usize, a: usize, n: u32, learningRate: f32, epsilon: f32): void {
  accumulate(p, g, a, n, learningRate, epsilon, false)
}

/** As adagrad, with sqrt(a) + epsilon. */
export function adagradLegacy(p: usize, g: usize, a: usize, n: u32, learningRate: f32, epsilon: f32): void {
  accumulate(p, g, a, n, learningRate, epsilon, true)
}

/** x = rho * x + (1 - rho) * sample, flushed, stored and returned */
// @ts-ignore: decorator
@inline
function average(address: usize, rho: v128, rest: v128, sample: v128): v128 {
  const next = flush(f32x4.add(f32x4.mul(rho, load(address)), f32x4.mul(rest, sample)))
  store(address, next)
  return next
}

// @ts-ignore: decorator
@inline
function meanSquare(
  p: usize, g: usize, v: usize, m: usize, a: usize, n: u32,
  learningRate: f32, rho: f32, oneMinusRho: f32, epsilon: f32, momentum: f32,
  heavy: bool, centered: bool, legacy: bool,
): void {
  const lr = f32x4.splat(learningRate), r = f32x4.splat(rho), rest = f32x4.splat(oneMinusRho)
  const eps = f32x4.splat(epsilon), mu = f32x4.splat(momentum), end = bytes(n)
  for (let i: usize = 0; i < end; i += 16) {
    const gradient = load(g + i)
    let spread = average(v + i, r, rest, f32x4.mul(gradient, gradient))
    if (centered) {
      const mean = average(a + i, r, rest, gradient)
      spread = f32x4.sub(spread, f32x4.mul(mean, mean))
    }
    let step = f32x4.div(f32x4.mul(lr, gradient), root(spread, eps, legacy))
    if (heavy) {
      step = flush(f32x4.add(f32x4.mul(mu, load(m + i)), step))
      store(m + i, step)
    }
    store(p + i, f32x4.sub(load(p + i), step))
  }
}

/** v = rho * v + (1 - rho) * g * g; p -= learningRate * g / sqrt(v + epsilon) */
export function rmsprop(
  p: usize, g: usize, v: usize, n: u32,
  learningRate: f32, rho: f32, oneMinusRho: f32, epsilon: f32,
): void {
  meanSquare(p, g, v, 0, 0, n, learningRate, rho, oneMinusRho, epsilon, 0, false, false, false)
}

/** As rmsprop, with sqrt(v) + epsilon. */
export function rmspropLegacy(
  p: usize, g: usize, v: usize, n: u32,
  learningRate: f32, rho: f32, oneMinusRho: f32, epsilon: f32,
): void {
  meanSquare(p, g, v, 0, 0, n, learningRate, rho, oneMinusRho, epsilon, 0, false, false, true)
}

/** As rmsprop; m = momentum * m + step; p -= m */
export function rmspropMomentum(
  p: usize, g: usize, v: usize, m: usize, n: u32,
  learningRate: f32, rho: f32, oneMinusRho: f32, epsilon: f32, momentum: f32,
): void {
  meanSquare(p, g, v, m, 0, n, learningRate, rho, oneMinusRho, epsilon, momentum, true, false, false)
}

/** As rmsprop; a = rho * a + (1 - rho) * g, and v - a * a takes the place of v. */
export function rmspropCentered(
  p: usize, g: usize, v: usize, a: usize, n: u32,
  learningRate: f32, rho: f32, oneMinusRho: f32, epsilon: f32,
): void {
  meanSquare(p, g, v, 0, a, n, learningRate, rho, oneMinusRho, epsilon, 0, false, true, false)
}

/** As rmspropCentered, with sqrt(v - a * a) + epsilon. */
export function rmspropCenteredLegacy(
  p: usize, g: usize, v: usize, a: usize, n: u32,
  learningRate: f32, rho: f32, oneMinusRho: f32, epsilon: f32,
): void {
  meanSquare(p, g, v, 0, a, n, learningRate, rho, oneMinusRho, epsilon, 0, false, true, true)
}

/** rmspropCentered and rmspropMomentum together. */
export function rmspropCenteredMomentum(
  p: usize, g: usize, v: usize, m: usize, a: usize, n: u32,
  learningRate: f32, rho: f32, oneMinusRho: f32, epsilon: f32, momentum: f32,
): void {
  meanSquare(p, g, v, m, a, n, learningRate, rho, oneMinusRho, epsilon, momentum, true, true, false)
}

/** x += (sample - x) * rate, flushed, stored and returned */
// @ts-ignore: decorator
@inline
function approach(address: usize, sample: v128, rate: v128): v128 {
  const x = load(address)
  const next = flush(f32x4.add(x, f32x4.mul(f32x4.sub(sample, x), rate)))
  store(address, next)
  return next
}

// @ts-ignore: decorator
@inline
function momentStep(
  p: usize, g: usize, m: usize, v: usize, h: usize,
  alpha: v128, oneMinusBeta1: v128, oneMinusBeta2: v128, epsilon: v128, amsgrad: bool,
): void {
  const gradient = load(g)
  const mean = approach(m, gradient, oneMinusBeta1)
  let square = approach(v, f32x4.mul(gradient, gradient), oneMinusBeta2)
  if (amsgrad) {
    square = f32x4.max(load(h), square)
    store(h, square)
  }
  store(p, f32x4.sub(load(p), f32x4.div(f32x4.mul(mean, alpha), root(square, epsilon, true))))
}

/**
 * Four vectors a turn (a cache line of each block): 10 % faster than one by one. And from the end to the start: what
 * the caches still hold then are the weights of the first layer, with which the next step begins.
 */
// @ts-ignore: decorator
@inline
function moments(
  p: usize, g: usize, m: usize, v: usize, h: usize, n: u32,
  alpha: f32, oneMinusBeta1: f32, oneMinusBeta2: f32, epsilon: f32, amsgrad: bool,
): void {
  const a = f32x4.splat(alpha), b1 = f32x4.splat(oneMinusBeta1), b2 = f32x4.splat(oneMinusBeta2)
  const eps = f32x4.splat(epsilon), end = bytes(n), lines = end & ~63
  for (let i = lines; i < end; i += 16) momentStep(p + i, g + i, m + i, v + i, h + i, a, b1, b2, eps, amsgrad)
  for (let i = lines; i > 0; ) {
    i -= 64
    momentStep(p + i, g + i, m + i, v + i, h + i, a, b1, b2, eps, amsgrad)
    momentStep(p + i + 16, g + i + 16, m + i + 16, v + i + 16, h + i + 16, a, b1, b2, eps, amsgrad)
    momentStep(p + i + 32, g + i + 32, m + i + 32, v + i + 32, h + i + 32, a, b1, b2, eps, amsgrad)
    momentStep(p + i + 48, g + i + 48, m + i + 48, v + i + 48, h + i + 48, a, b1, b2, eps, amsgrad)
  }
}

/**
 * m += (g - m) * (1 - beta1); v += (g * g - v) * (1 - beta2); p -= m * alpha / (sqrt(v) + epsilon), with
 * alpha = learningRate * sqrt(1 - beta2^t) / (1 - beta1^t)
 */
export function adam(
  p: usize, g: usize, m: usize, v: usize, n: u32,
  alpha: f32, oneMinusBeta1: f32, oneMinusBeta2: f32, epsilon: f32,
): void {
  moments(p, g, m, v, 0, n, alpha, oneMinusBeta1, oneMinusBeta2, epsilon, false)
}

/** As adam; h = max(h, v) takes the place of v in the step. */
export function adamAmsgrad(
  p: usize, g: usize, m: usize, v: usize, h: usize, n: u32,
  alpha: f32, oneMinusBeta1: f32, oneMinusBeta2: f32, epsilon: f32,
): void {
  moments(p, g, m, v, h, n, alpha, oneMinusBeta1, oneMinusBeta2, epsilon, true)
}
