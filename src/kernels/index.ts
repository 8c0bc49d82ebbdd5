import { KERNEL_SIGNATURES, KERNELS_BASE64 } from './generated/optimizers.ts'

export type KernelName = keyof typeof KERNEL_SIGNATURES

/** The optimizer kernels on one memory. All addresses are byte offsets, all lengths count float32 numbers. */
export interface Kernels {
  /**
   * Updates one block in place. The length is rounded up to a multiple of 4, so blocks are padded.
   *
   * @param pointers parameters, gradients, then the slots, as `KERNEL_SIGNATURES` lists them
   * @param scalars what the kernel takes after the length
   */
  run(name: KernelName, pointers: readonly number[], length: number, scalars: readonly number[]): void
}

type Kernel = (...args: number[]) => void

let compiled: Promise<WebAssembly.Module | null> | undefined

/** Binds the kernels to a memory; null where WebAssembly or its SIMD is missing (use the in-graph form there). */
export async function loadKernels(memory: WebAssembly.Memory): Promise<Kernels | null> {
  compiled ??= compileKernels()
  const module = await compiled
  if (!module) return null
  const instance = await WebAssembly.instantiate(module, { env: { memory } })
  const exports = instance.exports as Record<KernelName, Kernel>
  return {
    run: (name, pointers, length, scalars) => exports[name](...pointers, length, ...scalars),
  }
}

export function isKernelName(name: string): name is KernelName {
  return Object.hasOwn(KERNEL_SIGNATURES, name)
}

async function compileKernels(): Promise<WebAssembly.Module | null> {
  if (typeof WebAssembly === 'undefined') return null
  const bytes = Uint8Array.from(atob(KERNELS_BASE64), (character) => character.charCodeAt(0))
  return WebAssembly.validate(bytes) ? await WebAssembly.compile(bytes) : null
}

export { KERNEL_SIGNATURES }
