// obscenity with its English dataset and recommended transformers: `hasMatch`, prompt by prompt. Protocol: serve.py.
"use strict";
const fs = require("node:fs");
const readline = require("node:readline");
const { RegExpMatcher, englishDataset, englishRecommendedTransformers } = require("obscenity");

const prompts = fs.readFileSync(process.argv[2], "utf8").replace(/\n$/, "").split("\n");
const matcher = new RegExpMatcher({ ...englishDataset.build(), ...englishRecommendedTransformers });

/** Counts the flagged ones of the first prompts, going round beyond the last. */
function flagged(number) {
    let count = 0;
    for (let at = 0; at < number; at++) {
        if (matcher.hasMatch(prompts[at % prompts.length])) count++;
    }
    return count;
}

// A message may quote a prompt.
process.on("uncaughtException", (error) => {
    console.error(`${error.name} while judging`);
    process.exit(1);
});
flagged(1);
const { version } = JSON.parse(fs.readFileSync(`${process.env.NODE_PATH}/obscenity/package.json`, "utf8"));
console.log(JSON.stringify({ versions: `obscenity ${version}, Node ${process.versions.node}` }));
readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const judged = Number(line.split(" ")[1]);
    const began = process.hrtime.bigint();
    const count = flagged(judged);
    const seconds = Number(process.hrtime.bigint() - began) / 1e9;
    console.log(JSON.stringify({ judged, seconds, flagged: count }));
});
