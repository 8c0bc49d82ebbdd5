import { readdirSync } from 'node:fs'
import { describe, it } from 'vitest'
import { checkLayer, readCases } from './check-layer.ts'

const FILES = readdirSync(new URL('../fixtures/layers/', import.meta.url)).filter((file) => file.endsWith('.json'))

describe.each(FILES)('layers of %s', (file) => {
  for (const one of readCases(file)) it(`${one.class_name}: ${one.name}`, () => checkLayer(one))
})
