// elastic.mjs URL TOKEN EVENTS SECONDS: the bulk helper of @elastic/elasticsearch, each event with
// an _id. What it drops is given to it again.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';

const require = createRequire(`${process.env.CANH_PEER_NPM}/package.json`);
const { Client } = require('@elastic/elasticsearch');
const [url, token, events, seconds] = process.argv.slice(2);
const PART = 250;
const client = new Client({
    node: url, auth: { apiKey: token }, compression: true, maxRetries: 100, requestTimeout: 30000,
});
const counts = {};
let waiting = Array.from({ length: Number(events) }, (_, i) => i + 1);
const deadline = Date.now() + 100000;

async function* documents(numbers) {
    for (const n of numbers)
        yield {
            '@timestamp': new Date().toISOString(), hostname: 'office', n,
            message: `delivery number-${String(n).padStart(6, '0')} of a sender`,
        };
}

while (waiting.length && Date.now() < deadline) {
    const part = waiting.slice(0, PART);
    const rest = waiting.slice(PART);
    let again = [];
    try {
        await client.helpers.bulk({
            datasource: documents(part),
            onDocument: (d) => [
                { [d.n % 2 ? 'create' : 'index']: { _index: 'npm', _id: `npm-${d.n}` } }, d],
            retries: 20,
            wait: 200,
            concurrency: 2,
            flushBytes: 20000,
            onDrop: (drop) => {
                counts[drop.status] = (counts[drop.status] ?? 0) + 1;
                if (drop.status !== 409) // 409: it is stored already
                    again.push(drop.document.n);
            },
        });
    } catch (error) {
        counts[error.name] = (counts[error.name] ?? 0) + 1;
        again = part;
        await pause(100);
    }
    waiting = again.concat(rest);
    await pause((Number(seconds) * 1000 * PART) / Number(events));
}
const { version } = JSON.parse(readFileSync(
    `${process.env.CANH_PEER_NPM}/node_modules/@elastic/elasticsearch/package.json`));
console.log(`@elastic/elasticsearch ${version}`, JSON.stringify(counts));
process.exit(waiting.length ? 1 : 0);
