// Fills the same forms with other libraries: node word_peers.mjs FOLDER ROUNDS
// In FOLDER: <form>.<library>.docx and <form>.json; out: <form>.<library>.out.docx and, on
// stdout, {form: {library: [ms CPU, ms wall] | "why not"}}. Started by bench/word.py.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { TemplateHandler } = require("easy-template-x");
const Docxtemplater = require("docxtemplater");
const PizZip = require("pizzip");
const carbone = require("carbone");

const [folder, rounds] = [process.argv[2], Number(process.argv[3])];
const easy = new TemplateHandler();
const fillers = {
  "easy-template-x": (file, template, data) => easy.process(template, data),
  docxtemplater: async (file, template, data) => {
    const filled = new Docxtemplater(new PizZip(template), { paragraphLoop: true, linebreaks: true });
    filled.render(data);
    return filled.getZip().generate({ type: "nodebuffer", compression: "DEFLATE" });
  },
  carbone: (file, template, data) =>
    new Promise((done, failed) =>
      carbone.render(file, data, (error, made) => (error ? failed(error) : done(made))),
    ),
};

const middle = (figures) => figures.sort((a, b) => a - b)[Math.floor(figures.length / 2)];

async function measure(form, library) {
  const file = path.join(folder, `${form}.${library}.docx`);
  const template = fs.readFileSync(file);
  const data = JSON.parse(fs.readFileSync(path.join(folder, `${form}.json`)));
  const [cpu, wall] = [[], []];
  let made;
  for (let round = -10; round < rounds; round++) {
    const [spent, began] = [process.cpuUsage(), performance.now()];
    made = await fillers[library](file, template, data);
    const { user, system } = process.cpuUsage(spent);
    if (round < 0) continue;
    cpu.push((user + system) / 1000);
    wall.push(performance.now() - began);
  }
  fs.writeFileSync(path.join(folder, `${form}.${library}.out.docx`), made);
  return [middle(cpu), middle(wall)];
}

const found = {};
for (const file of fs.readdirSync(folder).filter((name) => name.endsWith(".json"))) {
  const form = path.basename(file, ".json");
  found[form] = {};
  for (const library of Object.keys(fillers)) {
    try {
      found[form][library] = await measure(form, library);
    } catch (error) {
      found[form][library] = String(error.message ?? error).slice(0, 200);
    }
  }
}
console.log(JSON.stringify(found));
process.exit(0);
