// Runs ONNX models in ONNX Runtime: node run.js FOLDER < jobs.json, where FOLDER holds
// node_modules. Each job has the model's file, the element type and the shape of one input,
// and a file of as many inputs as there are, one after the other; the outputs go to a file of the same kind.
'use strict';
const fs = require('fs');
const path = require('path');

const ort = require(require.resolve('onnxruntime-node', { paths: [path.resolve(process.argv[2])] }));
const arrays = { float32: Float32Array, float64: Float64Array };

async function run(job) {
  // Its further fusions have no kernels for float64.
  const session = await ort.InferenceSession.create(job.model, { graphOptimizationLevel: 'basic' });
  const bytes = fs.readFileSync(job.observations);
  const numbers = new arrays[job.type](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const size = job.shape.reduce((product, n) => product * n, 1);
  const out = [];
  for (let at = 0; at < numbers.length; at += size) {
    const input = new ort.Tensor(job.type, numbers.subarray(at, at + size), job.shape);
    const result = await session.run({ [session.inputNames[0]]: input });
    out.push(Buffer.from(Uint8Array.from(new Uint8Array(result[session.outputNames[0]].data.buffer))));
  }
  fs.writeFileSync(job.actions, Buffer.concat(out));
}

async function main() {
  for (const job of JSON.parse(fs.readFileSync(0, 'utf8'))) {
    try {
      await run(job);
    } catch (error) {
      throw new Error(`${job.model}: ${error.message}`);
    }
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
