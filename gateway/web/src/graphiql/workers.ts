// Configures the URLs of Monaco's workers. This module must be imported before the editor.

const OF_LANGUAGE: Record<string, string> = { json: "json.worker.js", graphql: "graphql.worker.js" };

Object.assign(globalThis, {
  MonacoEnvironment: {
    getWorker: (_id: string, label: string) => new Worker(WORKERS[OF_LANGUAGE[label] ?? "editor.worker.js"]!),
  },
});
