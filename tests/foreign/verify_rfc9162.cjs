// Audits the hashes of a published log with @transmute/rfc9162:  node verify_rfc9162.cjs FOLDER VKEY [SEEN [PROOF]]
//
// It knows nothing of signatures, so it finds what hashes show. Exit code 1 and a line where anything is wrong.
const fs = require("fs")
const path = require("path")
const { RFC9162 } = require("@transmute/rfc9162")

const bytes = (buffer) => new Uint8Array(buffer)
const unless = (holds, said) => {
  if (!holds) throw new Error(said)
}

function checkpoint(said) {
  const [, size, root] = said.split("\n")
  return { size: Number(size), root: bytes(Buffer.from(root, "base64")) }
}

function entries(folder, size) {
  const found = []
  for (let index = 0; index * 256 < size; index++) {
    const width = Math.min(256, size - index * 256)
    const name = String(index).padStart(3, "0") + (width === 256 ? "" : `.p/${width}`)
    let data = fs.readFileSync(path.join(folder, "tile/entries", name))
    while (data.length) {
      const length = data.readUInt16BE(0)
      found.push(bytes(data.subarray(2, 2 + length)))
      data = data.subarray(2 + length)
    }
  }
  return found
}

async function main(folder, vkey, seen, proof) {
  const now = checkpoint(fs.readFileSync(path.join(folder, "checkpoint"), "utf8"))
  const all = entries(folder, now.size)
  unless(all.length === now.size, "entries are missing")
  unless(await RFC9162.verifyTree(now.root, all), "the entries do not give the root")
  if (seen) {
    const before = checkpoint(fs.readFileSync(seen, "utf8"))
    unless(before.size <= now.size, "rolled back")
    unless(Buffer.compare(await RFC9162.treeHead(all.slice(0, before.size)), before.root) === 0, "rewritten")
    if (before.size < now.size) {
      const way = await RFC9162.PROOF(before.size, all)
      const whole = Number.isInteger(Math.log2(before.size)) ? [before.root, ...way] : way // left to its callers
      const said = { log_id: "", tree_size_1: before.size, tree_size_2: now.size, consistency_path: whole }
      unless(await RFC9162.verifyConsistencyProof(before.root, now.root, said), "not the continuation")
    }
  }
  if (proof) {
    const [head, note] = fs.readFileSync(proof, "utf8").split(/\n\n(.*)/s)
    const [, extra, index, ...hashes] = head.split("\n")
    const then = checkpoint(note)
    const leaf = await RFC9162.leaf(bytes(Buffer.from(extra.slice("extra ".length), "base64")))
    const said = {
      log_id: "",
      tree_size: then.size,
      leaf_index: Number(index.slice("index ".length)),
      inclusion_path: hashes.map((each) => bytes(Buffer.from(each, "base64"))),
    }
    unless(await RFC9162.verifyInclusionProof(then.root, leaf, said), "the proof does not lead to the root")
  }
}

main(...process.argv.slice(2)).catch((problem) => {
  console.log(problem.message)
  process.exit(1)
})
