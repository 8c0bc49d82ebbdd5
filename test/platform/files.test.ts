import { execFileSync } from 'node:child_process'
import {
  chmod,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkWritable, openPath, writeAtomically } from '../../src/platform/node.ts'

let folder: string
const at = (name: string): string => join(folder, name)
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const writeText = (path: string, ...parts: string[]): Promise<void> =>
  writeAtomically(path, async (write) => {
    for (const part of parts) await write(bytes(part))
  })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekindle-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('openPath', () => {
  test('reads ranges into fresh arrays', async () => {
    await writeFile(at('a'), 'hello world')
    const file = await openPath(at('a'))
    expect(file).toMatchObject({ name: at('a'), size: 11 })
    expect(Buffer.from(await file.read(6, 5)).toString()).toBe('world')
    expect((await file.read(11, 0)).length).toBe(0)
    const again = await file.read(6, 5)
    expect(again.byteOffset).toBe(0)
    await file.close()
    await expect(file.read(0, 1)).rejects.toMatchObject({ code: 'E_IO_READ' })
  })

  test('reads behind 4 GiB', async () => {
    const offset = 5 * 2 ** 30
    const handle = await open(at('sparse'), 'w')
    await handle.write(bytes('end'), 0, 3, offset)
    await handle.close()
    const file = await openPath(at('sparse'))
    expect(file.size).toBe(offset + 3)
    expect(Buffer.from(await file.read(offset - 1, 4)).toString()).toBe('\0end')
    await file.close()
  })

  test.each([
    [12, 0],
    [0, 12],
    [11, 1],
    [-1, 1],
    [0, -1],
    [0.5, 1],
    [Number.NaN, 1],
    [2 ** 60, 1],
    [0, Number.POSITIVE_INFINITY],
  ])('refuses offset %d, length %d of 11 bytes', async (offset, length) => {
    await writeFile(at('a'), 'hello world')
    const file = await openPath(at('a'))
    await expect(file.read(offset, length)).rejects.toMatchObject({ code: 'E_TRUNCATED', where: at('a') })
    await file.close()
  })

  test('a file that shrinks meanwhile is truncated', async () => {
    await writeFile(at('a'), 'hello world')
    const file = await openPath(at('a'))
    await truncate(at('a'), 3)
    await expect(file.read(0, 11)).rejects.toMatchObject({ code: 'E_TRUNCATED' })
    await file.close()
  })

  test('names what is not a file', async () => {
    await writeFile(at('file'), '')
    execFileSync('mkfifo', [at('pipe')])
    await expect(openPath(at('missing'))).rejects.toMatchObject({ code: 'E_IO_NOT_FOUND', where: at('missing') })
    await expect(openPath(folder)).rejects.toThrow('is a directory')
    await expect(openPath(at('file/below'))).rejects.toMatchObject({ code: 'E_IO_READ' })
    await expect(openPath(at('pipe'))).rejects.toThrow('not a regular file')
  })
})

describe('writeAtomically', () => {
  test('writes all chunks in order and leaves nothing else', async () => {
    const large = new Uint8Array(3_000_000).fill(7)
    const reused = bytes('x')
    await writeAtomically(at('a'), async (write) => {
      await write(reused)
      reused[0] = 121
      await write(reused)
      await write(large)
      await write(bytes('end'))
    })
    const written = await readFile(at('a'))
    expect(written.subarray(0, 2).toString()).toBe('xy')
    expect(written.subarray(2, -3).equals(large)).toBe(true)
    expect(written.subarray(-3).toString()).toBe('end')
    expect(await readdir(folder)).toEqual(['a'])
  })

  test('an error in between leaves the old file whole and no other', async () => {
    await writeFile(at('a'), 'old')
    const failure = new Error('no more')
    const writing = writeAtomically(at('a'), async (write) => {
      await write(new Uint8Array(2_000_000))
      throw failure
    })
    await expect(writing).rejects.toBe(failure)
    expect(await readFile(at('a'), 'utf8')).toBe('old')
    expect(await readdir(folder)).toEqual(['a'])
  })

  test('the old file stays until the new one is complete', async () => {
    await writeFile(at('a'), 'old')
    await writeAtomically(at('a'), async (write) => {
      await write(bytes('new'))
      expect(await readFile(at('a'), 'utf8')).toBe('old')
    })
    expect(await readFile(at('a'), 'utf8')).toBe('new')
  })

  test('keeps the mode of the file it replaces, from the first byte on', async () => {
    await writeFile(at('private'), 'old')
    await chmod(at('private'), 0o640)
    await writeAtomically(at('private'), async (write) => {
      for (const name of await readdir(folder)) expect((await stat(at(name))).mode & 0o777).toBe(0o640)
      await write(bytes('new'))
    })
    expect((await stat(at('private'))).mode & 0o777).toBe(0o640)
    await writeText(at('fresh'), 'x')
    expect((await stat(at('fresh'))).mode & 0o777).toBe(0o666 & ~process.umask())
  })

  test('writes through symbolic links, to targets that exist or not', async () => {
    await mkdir(at('real'))
    await writeFile(at('real/a'), 'old')
    await symlink('real/a', at('link'))
    await symlink('link', at('second'))
    await symlink('real/new', at('dangling'))
    await symlink('loop', at('loop'))
    await writeText(at('second'), 'new')
    await writeText(at('dangling'), 'fresh')
    expect(await readlink(at('link'))).toBe('real/a')
    expect(await readFile(at('real/a'), 'utf8')).toBe('new')
    expect(await readFile(at('real/new'), 'utf8')).toBe('fresh')
    await expect(writeText(at('loop'), 'x')).rejects.toThrow('too many symbolic links')
  })

  test('a device is written into, never replaced', async () => {
    await writeText('/dev/null', 'x')
    await checkWritable('/dev/null')
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true)
  })

  test('several writers at once do not disturb each other', async () => {
    await Promise.all(Array.from({ length: 8 }, (_, i) => writeText(at('a'), String(i), String(i))))
    expect(await readFile(at('a'), 'utf8')).toMatch(/^(\d)\1$/)
    expect(await readdir(folder)).toEqual(['a'])
  })

  test('a long name still fits', async () => {
    const name = 'n'.repeat(255)
    await writeText(at(name), 'x')
    expect(await readdir(folder)).toEqual([name])
  })

  const refusals: [what: string, path: string, reason: string | RegExp][] = [
    ['a folder that is not there', 'missing/a', /folder .*missing does not exist/],
    ['a directory', 'sub', 'it is a directory'],
    ['a file as folder', 'file/a', 'a part of the path is not a directory'],
    ['a name that is too long', 'n'.repeat(300), 'the name is too long'],
  ]
  test.each(refusals)('refuses %s before it produces anything', async (_, path, reason) => {
    await mkdir(at('sub'))
    await writeFile(at('file'), '')
    let produced = false
    const writing = writeAtomically(at(path), async () => {
      produced = true
    })
    await expect(writing).rejects.toMatchObject({ code: 'E_IO_WRITE', where: at(path) })
    await expect(writing).rejects.toThrow(reason)
    await expect(checkWritable(at(path))).rejects.toThrow(reason)
    expect(produced).toBe(false)
    expect((await readdir(folder)).sort()).toEqual(['file', 'sub'])
  })

  test('refuses more than the disk has free', async () => {
    const writing = writeAtomically(at('a'), async () => {}, { expectedBytes: 2 ** 60 })
    await expect(writing).rejects.toThrow('no space left')
    await expect(checkWritable(at('a'), { expectedBytes: 2 ** 60 })).rejects.toThrow('no space left')
    await writeAtomically(at('a'), (write) => write(bytes('abc')), { expectedBytes: 3 })
    expect(await readFile(at('a'), 'utf8')).toBe('abc')
  })

  test('a full disk says so and names the path', async () => {
    await expect(writeText('/dev/full', 'x')).rejects.toThrow('/dev/full: cannot be written: no space left on the disk')
  })

  test('checkWritable leaves nothing behind and touches nothing', async () => {
    await writeFile(at('a'), 'old')
    await checkWritable(at('a'))
    await checkWritable(at('b'))
    expect(await readdir(folder)).toEqual(['a'])
    expect(await readFile(at('a'), 'utf8')).toBe('old')
  })
})

test('files and folders without permission are refused by name', async () => {
  await mkdir(at('open'))
  await writeFile(at('open/readonly'), 'old')
  await writeFile(at('secret'), 'x')
  await chmod(at('open'), 0o777)
  await chmod(at('open/readonly'), 0o444)
  await chmod(at('secret'), 0o000)
  await chmod(folder, 0o555)
  const module = new URL('../../src/platform/node.ts', import.meta.url).href
  // The superuser may write anywhere, so the child gives up its rights first.
  const script = `
    const { checkWritable, openPath } = await import(${JSON.stringify(module)})
    if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534) }
    const tell = (work) => work.then(() => 'fine', (error) => error.code + ' ' + error.message)
    console.log(JSON.stringify([
      await tell(checkWritable(${JSON.stringify(at('new'))})),
      await tell(checkWritable(${JSON.stringify(at('open/readonly'))})),
      await tell(checkWritable(${JSON.stringify(at('open/new'))})),
      await tell(openPath(${JSON.stringify(at('secret'))})),
    ]))`
  const output = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  await chmod(folder, 0o755)
  expect(JSON.parse(output)).toEqual([
    `E_IO_WRITE ${at('new')}: cannot be written: no permission to make files in ${folder}`,
    `E_IO_WRITE ${at('open/readonly')}: cannot be written: permission denied`,
    'fine',
    `E_IO_READ ${at('secret')}: cannot be read: permission denied`,
  ])
})
