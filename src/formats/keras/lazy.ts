import type { H5Dataset } from '../../bytes/hdf5/types.ts'
import { RekindleError } from '../../errors.ts'
import type { DType, Tensor } from '../../tensor/index.ts'
import type { LazyTensor } from '../doc.ts'

/** A dataset that is read when it is asked for. */
export function lazyDataset(dataset: H5Dataset): LazyTensor {
  return { dtype: dtypeOf(dataset), shape: dataset.shape, load: () => dataset.read() }
}

function dtypeOf({ type, path }: H5Dataset): DType {
  if (type.kind === 'number') return type.dtype
  if (type.kind === 'string') return 'string'
  // Keras keeps bfloat16 as two opaque bytes.
  if (type.kind === 'opaque' && type.size === 2) return 'bfloat16'
  throw new RekindleError('E_UNSUPPORTED_DTYPE', 'a dataset of a type that no weight has', {
    where: path,
    received: type.kind === 'other' ? type.description : `${type.size} opaque bytes`,
  })
}

/** A tensor in memory as a lazy one. */
export function lazyTensor(tensor: Tensor): LazyTensor {
  return { dtype: tensor.dtype, shape: tensor.shape, load: async () => tensor }
}
