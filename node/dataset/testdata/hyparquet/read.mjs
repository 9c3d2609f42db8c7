// Prints a Parquet file's metadata and its rows as JSON, a line each: read.mjs FOLDER FILE. Integers
// are printed as text, which loses no digit.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import path from 'node:path'

const [folder, file] = process.argv.slice(2)
const require = createRequire(path.resolve(folder, 'package.json'))
const load = async (name) => import(pathToFileURL(require.resolve(name)))
const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await load('hyparquet')
const { compressors } = await load('hyparquet-compressors')

const buffer = await asyncBufferFromFile(file)
const text = (_, value) => typeof value === 'bigint' ? value.toString() : value
const metadata = await parquetMetadataAsync(buffer)
console.log(JSON.stringify(metadata.key_value_metadata.find((p) => p.key === 'columns').value))
for (const row of await parquetReadObjects({ file: buffer, compressors })) console.log(JSON.stringify(row, text))
