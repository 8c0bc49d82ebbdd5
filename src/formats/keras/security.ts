import type { Json } from '../doc.ts'
import { isKerasModule, isKerasObject } from './objects.ts'
import type { Report } from './report.ts'
import { field, isArray, isObject, stringField } from './values.ts'

/**
 * Says what the file would execute in its own framework. Nothing of it happens here: names from a file are keys of
 * tables, bytecode and pickles are text.
 */
export function warnAboutCode(config: Json, report: Report): void {
  const waiting: { node: Json; layer: string | undefined }[] = [{ node: config, layer: undefined }]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node } = next
    if (isArray(node)) for (const item of node) waiting.push({ node: item, layer: next.layer })
    if (!isObject(node)) continue
    const layer = stringField(field(node, 'config'), 'name') ?? next.layer
    const code = codeIn(node)
    if (code) report.warn('code-in-file', `${code}; Rekindle never runs code from a file`, layer)
    for (const item of Object.values(node)) waiting.push({ node: item, layer })
  }
}

function codeIn(node: Json): string | undefined {
  if (!isKerasObject(node)) return undefined
  const { class_name: className } = node
  if (className === '__lambda__') return 'a Lambda holds Python bytecode'
  if (className === 'TorchModuleWrapper') return 'a TorchModuleWrapper holds a pickled Python object'
  const kind = field(field(node, 'config'), 'function_type')
  if (className === 'Lambda' && kind === 'lambda') return 'a Lambda holds Python bytecode'
  const module = field(node, 'module')
  if (!isKerasModule(module)) return `${className} would be imported from the Python module ${JSON.stringify(module)}`
  return undefined
}
