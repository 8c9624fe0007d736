// Runs the tablet's reader over frames, as its worker does: node wasm.mjs MODULE FRAMES.
// FRAMES holds for each frame its width and height (32 bits, little-endian) and its grey pixels.
import { readFileSync } from "node:fs";

const [module, frames] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(readFileSync(module));
const calls = instance.exports;
const data = readFileSync(frames);
const told = [];
for (let at = 0; at < data.length; ) {
  const width = data.readUInt32LE(at);
  const height = data.readUInt32LE(at + 4);
  const grey = data.subarray(at + 8, at + 8 + width * height);
  at += 8 + width * height;
  const start = process.cpuUsage();
  const room = calls.frame_room(grey.length);
  new Uint8Array(calls.memory.buffer, room, grey.length).set(grey);
  const length = calls.read(width, height, told.length);
  const { user, system } = process.cpuUsage(start);
  const ms = (user + system) / 1000;
  const answer = new TextDecoder().decode(new Uint8Array(calls.memory.buffer, calls.answer_start(), length));
  const digits = answer.split("\n").find((line) => line.startsWith("digits "));
  told.push([ms, digits ? digits.slice("digits ".length) : ""]);
}
console.log(JSON.stringify(told));
