import type { Tree } from '../nn/types.ts'

/** Leaves of nested lists and dictionaries in Keras's order: lists as they stand, dictionaries by sorted key. */
export function flattenTree<T extends object>(tree: Tree<T>, isLeaf: (node: object) => node is T): T[] {
  if (isLeaf(tree as object)) return [tree as T]
  if (Array.isArray(tree)) return tree.flatMap((branch: Tree<T>) => flattenTree(branch, isLeaf))
  const branches = tree as { readonly [key: string]: Tree<T> }
  return Object.keys(branches)
    .sort()
    .flatMap((key) => flattenTree(branches[key] as Tree<T>, isLeaf))
}

/** The same nesting with every leaf replaced. */
export function mapTree<T extends object, U>(
  tree: Tree<T>,
  isLeaf: (node: object) => node is T,
  change: (leaf: T) => U,
): Tree<U> {
  if (isLeaf(tree as object)) return change(tree as T)
  if (Array.isArray(tree)) return tree.map((branch: Tree<T>) => mapTree(branch, isLeaf, change))
  const branches = Object.entries(tree as { readonly [key: string]: Tree<T> })
  return Object.fromEntries(branches.map(([key, branch]) => [key, mapTree(branch, isLeaf, change)]))
}
