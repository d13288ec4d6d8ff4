#!/usr/bin/env bash
# fflate 0.8.3: gunzipSync gives the first member of a gzip file that has several, cut to the length that the last member states, and
# no error; its own stream, Gunzip, gives all. Gzip files may be joined (`cat part_1.csv.gz part_2.csv.gz`), and some writers make
# a member for each block or file that they append. Node's zlib and its DecompressionStream read all. So a page that loads an export
# in the browser by fflate shows the first rows of it, cut in the middle of one where the last member is shorter.
# Seen: the lines below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund fflate@0.8.3 >/dev/null
cat >read.cjs <<'J'
const zlib = require('zlib'), fflate = require('fflate')
const parts = ['id\n1\n2\n3\n', '4\n5\n', '6\n7\n8\n9\n10\n11\n12\n'].map(text => zlib.gzipSync(text))
const show = (reader, text) => console.log(`${reader}: ${JSON.stringify(text)}`)
const main = async () => {
  for (const [words, joined] of [['a short end', parts.slice(0, 2)], ['a long end', parts]]) {
    const file = Buffer.concat(joined)
    show(`${words}, zlib`, zlib.gunzipSync(file).toString())
    show(`${words}, DecompressionStream`, await new Response(new Blob([file]).stream().pipeThrough(new DecompressionStream('gzip'))).text())
    show(`${words}, fflate`, fflate.strFromU8(fflate.gunzipSync(file)))
    let streamed = ''
    const stream = new fflate.Gunzip(chunk => { streamed += fflate.strFromU8(chunk) })
    stream.push(file, true)
    show(`${words}, fflate's stream`, streamed)
  }
}
main()
J
node read.cjs | tee seen
diff seen - <<'S'
a short end, zlib: "id\n1\n2\n3\n4\n5\n"
a short end, DecompressionStream: "id\n1\n2\n3\n4\n5\n"
a short end, fflate: "id\n1"
a short end, fflate's stream: "id\n1\n2\n3\n4\n5\n"
a long end, zlib: "id\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n"
a long end, DecompressionStream: "id\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n"
a long end, fflate: "id\n1\n2\n3\n"
a long end, fflate's stream: "id\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n"
S
