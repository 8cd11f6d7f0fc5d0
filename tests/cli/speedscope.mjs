// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// node speedscope.mjs FOLDER FILE...: each file through the importer of the package speedscope in FOLDER/node_modules, and as
// JSON, a line each, what speedscope would save of it. The package is made for a browser: its program is run up to where it
// begins to draw, and the two functions are found by what they contain.
import fs from 'node:fs'
import path from 'node:path'
import vm from 'node:vm'

const [folder, ...files] = process.argv.slice(2)
const release = path.join(folder, 'node_modules/speedscope/dist/release')
const text = fs.readFileSync(path.join(release, fs.readdirSync(release).find(name => /^speedscope-.*\.js$/.test(name))), 'utf8')
const importer = /loadFileFromBase64:\([\w$]+,[\w$]+\)=>\{this\.loadProfile\(\(\)=>([\w$]+)\(/.exec(text)[1]
const before = text.slice(0, text.indexOf('exporter:`speedscope@'))
const exporter = [...before.matchAll(/function ([\w$]+)\([\w$]+\)\{let [\w$]+=\[\],[\w$]+=new Map;/g)].pop()[1]
const anything = new Proxy(function () {}, {
  get: (_, key) => (key === Symbol.toPrimitive ? () => '' : anything),
  apply: () => anything,
  construct: () => anything,
  set: () => true,
})
const quiet = { log() {}, warn() {}, error: console.error }
const world = vm.createContext({
  console: quiet, TextDecoder, TextEncoder, atob, btoa, setTimeout, clearTimeout, URL, performance, WebAssembly,
  document: anything, navigator: { userAgent: '', platform: '' }, location: { hash: '', protocol: 'file:' }, FileReader: anything,
  Worker: anything, requestAnimationFrame() {}, addEventListener() {}, devicePixelRatio: 1,
})
world.window = world.self = world
vm.runInContext(text.slice(0, text.lastIndexOf('console.log(`speedscope v')) + `;self.load=${importer};self.save=${exporter}})()`, world)
for (const file of files) {
  const group = await world.load(path.basename(file), fs.readFileSync(file).toString('base64'))
  if (!group) throw new Error(file + ' was not understood')
  console.log(JSON.stringify(world.save(group)))
}
