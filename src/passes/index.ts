export { gradients, pullback, zeroGradients } from './gradients.ts'
