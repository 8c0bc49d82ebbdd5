import { buildKernels } from '../scripts/build-kernels.ts'

/** vitest's globalSetup: the kernels are generated, so a fresh checkout builds them before the first test. */
export default function setup(): void {
  buildKernels()
}
