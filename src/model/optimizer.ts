import { RekindleError } from '../errors.ts'
import { learningRateAt, type OptimizerConfig } from '../nn/optimizers/index.ts'
import type { OptimizerDef, SlotDef } from '../nn/types.ts'
import { sizeOf, Tensor } from '../tensor/index.ts'
import type { Variable } from './variable.ts'

/**
 * The optimizer of a compiled model: its settings, how many updates it has made, and its slots.
 * Slots live in plain memory until training moves them beside the weights.
 */
export class Optimizer {
  readonly def: OptimizerDef
  /** Updates made so far; Keras's `iterations`. */
  iterations = 0
  #config: OptimizerConfig
  readonly #slots = new Map<Variable, Map<string, Tensor>>()

  constructor(def: OptimizerDef, config: OptimizerConfig) {
    this.def = def
    this.#config = config
  }

  get className(): string {
    return this.def.className
  }

  get config(): OptimizerConfig {
    return this.#config
  }

  /**
   * The learning rate; it can be set in mid-training and takes effect with the next step.
   * @throws RekindleError `E_UNSUPPORTED_OPTION` when it is a schedule.
   */
  get learningRate(): number {
    const rate = this.#config.learning_rate
    if (typeof rate === 'number') return rate
    throw new RekindleError('E_UNSUPPORTED_OPTION', 'learning-rate schedules cannot be run yet', {
      where: 'optimizer',
      received: JSON.stringify(rate),
      hint: 'set optimizer.learningRate to a number',
    })
  }

  set learningRate(rate: number) {
    if (!(Number.isFinite(rate) && rate >= 0)) {
      throw new RekindleError('E_INVALID_ARGUMENT', 'bad learning rate', {
        expected: 'a number of at least 0',
        received: String(rate),
      })
    }
    this.#config = { ...this.#config, learning_rate: rate }
  }

  /** The rate of the next update: the learning rate after Keras 2's `decay`. */
  get currentRate(): number {
    return learningRateAt(this.#config, this.iterations)
  }

  /** What a weight's slots are called, in the order of the record. */
  get slotDefs(): readonly SlotDef[] {
    return this.slotGroups.flat()
  }

  get slotGroups(): readonly (readonly SlotDef[])[] {
    return this.def.slots(this.#config)
  }

  /** The live tensor of a slot; made and filled when it is first asked for. */
  slot(variable: Variable, slot: SlotDef): Tensor {
    let slots = this.#slots.get(variable)
    if (!slots) {
      slots = new Map()
      this.#slots.set(variable, slots)
    }
    let value = slots.get(slot.name)
    if (!value) {
      value = new Tensor('float32', variable.shape, new Float32Array(sizeOf(variable.shape)).fill(slot.fill))
      slots.set(slot.name, value)
    }
    return value
  }

  /** Gives a slot other memory, which takes the present content. */
  moveSlot(variable: Variable, slot: SlotDef, memory: Tensor): void {
    ;(memory.data as Float32Array).set(this.slot(variable, slot).data as Float32Array)
    this.#slots.get(variable)?.set(slot.name, memory)
  }
}
