// Builds the pages into dist/: assets with hashed names, their gzipped copies, and the HTML that refers to them.

import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const ASSETS = "dist/assets";
const DASHBOARD = "src/dashboard/main.ts";
// Relative to the pages, which a proxy may serve under a path prefix.
const PUBLIC = "assets";
// Smaller files fit into one packet uncompressed.
const SMALLEST_GZIP = 1024;

const shared = {
  bundle: true,
  minify: true,
  metafile: true,
  outdir: ASSETS,
  target: ["es2022", "chrome107", "firefox104", "safari16"],
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".woff2": "file", ".svg": "file", ".graphql": "text" },
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
};

// GraphiQL's own style sheet already contains Monaco's, icons included.
const withoutStyles = {
  name: "without Monaco's styles",
  setup: ({ onLoad }) => onLoad({ filter: /monaco-editor.*\.css$/ }, () => ({ contents: "", loader: "empty" })),
};

async function main() {
  await rm("dist", { recursive: true, force: true });
  await mkdir(ASSETS, { recursive: true });
  const icon = await hashed("src/icon.svg");
  // Each section of the dashboard is a file of its own, which is loaded when the section is opened.
  const dashboard = await build({
    ...shared,
    format: "esm",
    splitting: true,
    entryPoints: { dashboard: DASHBOARD },
  });
  // Workers are separate files, so that the Content-Security-Policy need not allow blob: scripts.
  const workers = await build({
    ...shared,
    format: "iife",
    entryPoints: {
      "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
      "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
      "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
    },
  });
  const graphiql = await build({
    ...shared,
    format: "esm",
    splitting: true,
    plugins: [withoutStyles],
    jsx: "automatic",
    entryPoints: { graphiql: "src/graphiql/main.tsx" },
    define: { ...shared.define, WORKERS: JSON.stringify(named(workers)) },
  });
  const names = { ...named(dashboard), icon };
  await page("dashboard", names, { preload: preloads(dashboard) });
  // The same page, as its sections see the assets: from one folder below.
  const below = Object.fromEntries(Object.entries(names).map(([name, path]) => [name, `../${path}`]));
  await page("dashboard", below, { preload: preloads(dashboard, "../"), as: "dashboard-section" });
  await page("graphiql", { ...named(graphiql), icon });
  await writeFile("dist/licenses.txt", await licenses([dashboard, workers, graphiql]));
  await compress();
}

// The public names of a build's entries: { "dashboard.js": "assets/dashboard-HASH.js", "dashboard.css": … }.
function named({ metafile }) {
  const names = {};
  for (const [path, output] of Object.entries(metafile.outputs)) {
    if (!output.entryPoint) continue;
    for (const file of [path, output.cssBundle].filter(Boolean)) {
      names[basename(file).replace(/-[A-Z0-9]{8}(?=\.)/, "")] = `${PUBLIC}/${basename(file)}`;
    }
  }
  return names;
}

// The tags that load what an entry imports together with it, rather than after it.
function preloads({ metafile }, prefix = "") {
  const { outputs } = metafile;
  // Files that are imported on demand are entries, too.
  const entry = Object.keys(outputs).find((path) => outputs[path].entryPoint === DASHBOARD);
  const found = new Set();
  const follow = (path) =>
    outputs[path].imports
      .filter(({ kind, external }) => kind === "import-statement" && !external)
      .filter(({ path: next }) => !found.has(next) && found.add(next))
      .forEach(({ path: next }) => follow(next));
  follow(entry);
  return [...found].map((path) => `<link rel="modulepreload" href="${prefix}${PUBLIC}/${basename(path)}">`).join("");
}

async function hashed(path) {
  const content = await readFile(path);
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
  const name = basename(path).replace(".", `-${hash}.`);
  await writeFile(join(ASSETS, name), content);
  return `${PUBLIC}/${name}`;
}

async function page(name, addresses, { preload = "", as = name } = {}) {
  const template = await readFile(`src/${name}.html`, "utf8");
  const parts = { ...addresses, preload };
  const html = template.replace(/\{\{(.+?)\}\}/g, (_, wanted) => {
    if (!(wanted in parts)) throw new Error(`${name}.html names ${wanted}, which was not built`);
    return parts[wanted];
  });
  await writeFile(`dist/${as}.html`, html);
}

// Collects the licences of the bundled packages, which most of them require to be shipped along.
async function licenses(builds) {
  const inputs = builds.flatMap(({ metafile }) => Object.keys(metafile.inputs));
  const folders = inputs.map((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]);
  const texts = [];
  for (const folder of [...new Set(folders.filter(Boolean))].sort()) {
    const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text = file ? await readFile(join(folder, file), "utf8") : "";
    texts.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
  }
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

async function compress() {
  for (const name of await readdir(ASSETS)) {
    const content = await readFile(join(ASSETS, name));
    if (!/\.(js|css|svg)$/.test(name) || content.length < SMALLEST_GZIP) continue;
    await writeFile(join(ASSETS, `${name}.gz`), gzipSync(content, { level: 9 }));
  }
}

await main();
