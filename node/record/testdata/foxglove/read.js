// Reads bags as Foxglove does: node read.js FOLDER FILE..., where FOLDER holds node_modules. Prints
// one line of JSON per message: of which file, topic and type it is, its times, and its fields.
'use strict';
const fs = require('fs');
const path = require('path');

const from = { paths: [path.resolve(process.argv[2])] };
const { McapIndexedReader } = require(require.resolve('@mcap/core', from));
const { parse } = require(require.resolve('@foxglove/rosmsg', from));
const { MessageReader } = require(require.resolve('@foxglove/rosmsg2-serialization', from));

// What JSON has no word for becomes text.
function plain(_, value) {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (ArrayBuffer.isView(value)) return Array.from(value);
  return value;
}

async function print(file) {
  const bytes = fs.readFileSync(file);
  const reader = await McapIndexedReader.Initialize({
    readable: {
      size: async () => BigInt(bytes.length),
      read: async (offset, length) => new Uint8Array(bytes.buffer, bytes.byteOffset + Number(offset), Number(length)),
    },
  });
  const decoders = new Map();
  for await (const m of reader.readMessages()) {
    const channel = reader.channelsById.get(m.channelId);
    const schema = reader.schemasById.get(channel.schemaId);
    if (channel.messageEncoding !== 'cdr' || schema.encoding !== 'ros2msg' || reader.header.profile !== 'ros2') {
      throw new Error(`${file}: ${channel.messageEncoding}, ${schema.encoding}, ${reader.header.profile}`);
    }
    if (!decoders.has(channel.id)) {
      const text = new TextDecoder().decode(schema.data);
      decoders.set(channel.id, new MessageReader(parse(text, { ros2: true })));
    }
    const message = decoders.get(channel.id).readMessage(m.data);
    const { logTime, publishTime, sequence } = m;
    console.log(JSON.stringify({ file, topic: channel.topic, type: schema.name, sequence, logTime, publishTime, message }, plain));
  }
}

(async () => {
  for (const file of process.argv.slice(3)) await print(file);
})().catch((e) => {
  console.error(e);
  process.exit(1);
});
