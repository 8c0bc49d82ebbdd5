export { HDF5_LIMITS, type Hdf5Limits } from './limits.ts'
export { type OpenHdf5Options, openHdf5 } from './open.ts'
export { isHdf5 } from './superblock.ts'
export type * from './types.ts'
