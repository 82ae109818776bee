// Loads code when it is needed: that of sections and of forms.

import { Away, Failed } from "../api/api.ts";

/** How soon after a reload another one would not help. */
const RELOADED_MS = 10_000;

/** Load a module. Throws `Away` if the gateway cannot be reached. */
export async function loadedCode<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const page = await fetch(location.pathname, { cache: "no-store" }).catch(() => null);
    if (!page?.ok) throw new Away();
    // The gateway is there, so it was updated, and has the code under another name. The page is as old as this code.
    const [how] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    if (how?.type === "reload" && performance.now() < RELOADED_MS) throw new Failed("This part of the page cannot be loaded");
    location.reload();
    throw new Away();
  }
}

/** Return what a button does whose code is loaded when it is pressed. A second press while it is loaded does nothing. */
export function demanding<Module>(
  load: () => Promise<Module>,
  run: (module: Module) => void | Promise<void>,
  fail: (error: unknown) => void,
): () => void {
  let isLoading = false;
  return async () => {
    if (isLoading) return;
    isLoading = true;
    try {
      await run(await loadedCode(load));
    } catch (error) {
      fail(error);
    }
    isLoading = false;
  };
}
