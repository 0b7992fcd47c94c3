// otlp.mjs KIND URL TOKEN EVENTS SECONDS: the OTLP log exporter over HTTP (proto, json), in batches.
// The exporter tries again by itself for some seconds; a batch that it gives up is given to it anew,
// as a queue in front of it (OpenTelemetry Collector) does.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';

const require = createRequire(`${process.env.CANH_PEER_NPM}/package.json`);
const [kind, url, token, events, seconds] = process.argv.slice(2);
const name = kind === 'json' ? 'http' : 'proto';
const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${name}`);
const { LoggerProvider } = require('@opentelemetry/sdk-logs');
const { SeverityNumber } = require('@opentelemetry/api-logs');
const PART = 200;
const exporter = new OTLPLogExporter({
    url: `${url}/v1/logs`, headers: { Authorization: `Bearer ${token}` }, compression: 'gzip',
    timeoutMillis: 10000,
});
const taken = []; // of the logger, until they are handed on
const provider = new LoggerProvider({
    processors: [{
        onEmit: (record) => taken.push(record),
        forceFlush: async () => {},
        shutdown: async () => {},
    }],
});
const logger = provider.getLogger('sender', '1.0');
const deadline = Date.now() + 100000;
let failures = 0;
let acknowledged = 0;

for (let n = 1; n <= Number(events) && Date.now() < deadline;) {
    taken.length = 0;
    for (let i = 0; i < PART && n <= Number(events); i++, n++)
        logger.emit({
            severityNumber: SeverityNumber.INFO, severityText: 'INFO', attributes: { office: 'a' },
            body: `delivery number-${String(n).padStart(6, '0')} of a sender`,
        });
    for (;;) {
        const result = await new Promise((done) => exporter.export(taken.slice(), done));
        if (result.code === 0)
            break;
        if (failures++ < 5)
            console.log(result.error?.code ?? '', result.error?.message);
        if (Date.now() >= deadline)
            process.exit(1);
        await pause(200);
    }
    acknowledged += taken.length;
    await pause((Number(seconds) * 1000 * PART) / Number(events));
}
const { version } = JSON.parse(readFileSync(
    `${process.env.CANH_PEER_NPM}/node_modules/@opentelemetry/exporter-logs-otlp-${name}/package.json`));
console.log(`exporter ${version} acknowledged ${acknowledged} failures ${failures}`);
process.exit(acknowledged === Number(events) ? 0 : 1);
