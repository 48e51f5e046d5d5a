// A script for QuickJS's own command: `FOLDER ARGUMENT…`; prints what it saw and ends with code 6.
import * as std from "qjs:std";
import * as os from "qjs:os";

function require(condition, what) {
  if (!condition) {
    std.err.puts(`failed: ${what}\n`);
    std.exit(1);
  }
}

const folder = scriptArgs[1];
print("arguments:", JSON.stringify(scriptArgs.slice(2)));
print("GREETING:", std.getenv("GREETING"));

const lines = [];
for (let line; (line = std.in.getline()) !== null; ) lines.push(line);
const kept = `${folder}/kept.json`;
const file = std.open(kept, "w");
file.puts(JSON.stringify({ lines }));
file.close();
print("kept:", JSON.parse(std.loadFile(kept)).lines.join(" "));

const [status, statusError] = os.stat(kept);
require(statusError === 0 && status.size === std.loadFile(kept).length, "stat");
require(os.mkdir(`${folder}/inner`) === 0, "mkdir");
require(os.rename(kept, `${folder}/inner/moved.json`) === 0, "rename");
require(os.stat(kept)[1] === std.Error.ENOENT, "the old name is gone");
const [names] = os.readdir(`${folder}/inner`);
print("entries:", names.filter((name) => !name.startsWith(".")).join(" "));
require(os.remove(`${folder}/inner/moved.json`) === 0 && os.remove(`${folder}/inner`) === 0, "remove");
require(std.loadFile(`${folder}/escape/secret.txt`) === null, "stays inside");

let factorial = 1n;
for (let i = 1n; i <= 30n; i++) factorial *= i;
print("30!:", factorial);
print("words:", [..."one two two".matchAll(/\w+/gu)].map(([word]) => word.toUpperCase()).join());

const started = os.now();
os.setTimeout(() => {
  require(os.now() - started >= 20, "waited");
  print("timer");
  std.exit(6);
}, 20);
