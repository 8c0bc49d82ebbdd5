import type { Tree } from '../nn/types.ts'

/** Leaves of nested lists and dictionaries in Keras's order: lists as they stand, dictionaries by sorted key. */
export function flattenTree<T extends object>(tree: Tree<T>, isLeaf: (node: object) => node is T): T[] {
  if (isLeaf(tree as object)) return [tree as T]
  if (Array.isArray(tree)) return tree.flatMap((branch: Tree<T>) => flattenTree(branch, isLeaf))
  const branches = tree as { readonly [key: string]: Tree<T> }
  return sortedValues(branches).flatMap((branch) => flattenTree(branch, isLeaf))
}

/** A dictionary's values by sorted key. */
export function sortedValues<T>(record: { readonly [key: string]: T }): readonly T[] {
  return sortedEntries(record).map(([, value]) => value)
}

/** A dictionary's entries by sorted key. */
export function sortedEntries<T>(record: { readonly [key: string]: T }): readonly (readonly [string, T])[] {
  return Object.keys(record)
    .sort()
    .map((key) => [key, record[key] as T] as const)
}

/** The same dictionary with every value replaced. */
export function mapRecord<T, U>(
  record: { readonly [key: string]: T },
  change: (value: T) => U,
): { readonly [key: string]: U } {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}

/** The same nesting with every leaf replaced. */
export function mapTree<T extends object, U>(
  tree: Tree<T>,
  isLeaf: (node: object) => node is T,
  change: (leaf: T) => U,
): Tree<U> {
  if (isLeaf(tree as object)) return change(tree as T)
  if (Array.isArray(tree)) return tree.map((branch: Tree<T>) => mapTree(branch, isLeaf, change))
  return mapRecord(tree as { readonly [key: string]: Tree<T> }, (branch) => mapTree(branch, isLeaf, change))
}
