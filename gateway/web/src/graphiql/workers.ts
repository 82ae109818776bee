// Tells Monaco where its workers are. Imported before the editor is.

const OF_LANGUAGE: Record<string, string> = { json: "json.worker.js", graphql: "graphql.worker.js" };

Object.assign(globalThis, {
  MonacoEnvironment: {
    getWorker: (_id: string, label: string) => new Worker(WORKERS[OF_LANGUAGE[label] ?? "editor.worker.js"]!),
  },
});
