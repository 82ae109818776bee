// The tracker: reports a visitor's landing through a referral link, and stores the response in first-party cookies.
//
// It runs on other people's pages and must not throw into them, so anything that a browser may refuse or a page may
// have broken goes through `attempt`. It avoids what pages are known to replace or hide: `URL`, `Promise`, `toJSON` of
// arrays, and properties of `document`. `minifier.py` documents the rules for its names.
(() => {
  "use strict";

  const CLICK_PATH = "/api/v1/track/click";
  const CLICK_ID = "affitor_click_id";
  const AFFILIATE_URL = "affitor_aff_url";
  // Prefix of a landing without a response, before its event_id: a cookie, so that any page of the site can resend it.
  const LANDING = "affitor_landing_";
  // Prefix of a response that a page is making the attribution, before the landing's event_id and an id of the page.
  const ANSWER = "affitor_answer_";
  // The key of the response behind the current attribution, for a tab that gets consent after a later landing.
  const LATEST = "affitor_latest";
  const TRIES = "affitor_tries_";
  const WAITING = "affitor_waiting";
  const SESSION = "affitor_session";
  const SEEN = "affitor_seen";

  const DAY_SECONDS = 86400;
  const LONGEST_WAIT_MS = 300000;
  // How long a click waits for the response to an earlier one, which may name its customer.
  const PATIENCE_MS = 2000;
  // Browsers send cookies with each request to the site, and some servers refuse headers over 8 KiB.
  const COOKIE_BYTES = 1536;
  const LANDING_COOKIES = 3;
  // Much longer than a busy machine suspends a page in the middle of a function.
  const ANSWER_SECONDS = 60;
  // Browsers limit the keepalive requests of a page to 64 KiB in total.
  const WAITING_CLICKS = 9;

  if (attempt(() => window.affitor.loaded === true)) return;

  const script =
    attempt(() => read("currentScript") || read("querySelector").call(document, "[data-affitor-program-id]")) || {};
  const data = script.dataset || {};
  // The browser's own Promise, even if the page has replaced it.
  const NativePromise = (async () => {})().constructor;
  // Holds what the browser refuses to store, and what waits for consent, for the lifetime of the page.
  const memory = { __proto__: null };
  const underway = { __proto__: null };
  let program = +data.affitorProgramId || null;
  let debugging = data.affitorDebug === "true";
  let gateway = data.affitorApiBase || (/^\w+:\/\/[^/]+/.exec(script.src) || [location.origin])[0];
  // Null until the visitor has been asked.
  let consented = data.affitorConsent !== "required" || null;
  let loaderWaits = true;
  let turn = NativePromise.resolve();
  let started, domain, lastCode, timer, settled, settle;

  function attempt(action) {
    try {
      return action();
    } catch (error) {
      note(error);
    }
  }

  function note(...words) {
    try {
      if (debugging) console.log("[Affitor]", ...words);
    } catch (error) {
      // The page has broken the console.
    }
  }

  const sleep = (ms) => new NativePromise((done) => setTimeout(done, ms));
  const clock = () => Math.floor(attempt(() => Date.now())) || 0;

  // An element such as <form name="title"> hides the document's property of that name.
  function holder(property) {
    return Object(document[property]) === document[property] ? Document.prototype : document;
  }

  function read(property) {
    return Reflect.get(holder(property), property, document);
  }

  function listen(target, type, listener) {
    attempt(() => EventTarget.prototype.addEventListener.call(target, type, listener));
  }

  // JSON.stringify calls toJSON, which Prototype.js before 1.7 defines on arrays with a different meaning.
  function encode(value) {
    if (!value || typeof value !== "object" || value instanceof Date) return JSON.stringify(value);
    const listed = Array.isArray(value);
    const parts = [];
    for (const key in value) {
      const part = encode(value[key]);
      if (part) parts.push(listed ? part : JSON.stringify(key) + ":" + part);
    }
    return listed ? "[" + parts + "]" : "{" + parts + "}";
  }

  // The first `aff` parameter of a URL. Mail programs and chats append characters that cannot be part of a code, and
  // write &amp; for &. The gateway repairs such links in the same way.
  function codeOf(url) {
    const query = (url || "").split("#")[0].replace(/^[^?]*\??/, "&");
    const found = /&aff=([^&]*)/.exec(query) || /&amp;aff=([^&]*)/.exec(query) || ["", ""];
    const code = found[1].slice(0, 300);
    return (attempt(() => decodeURIComponent(code)) || code).replace(/(%\w\w|[^\w-])+$/, "");
  }

  // A UUID of version 7 (RFC 9562): the time, followed by random bits.
  function uuid() {
    const byte = () => attempt(() => crypto.getRandomValues(new Uint8Array(1))[0]) || Math.random() * 256;
    return (clock().toString(16).padStart(12, "0") + "7xxx8xxxxxxxxxxxxxxx")
      .replace(/x/g, () => (byte() & 15).toString(16))
      .replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  // The cookies that the page can see, as [key, value].
  function jar() {
    const found = [];
    for (const cookie of (attempt(() => read("cookie")) || "").split("; ")) {
      const [, key, value] = /^([^=]*)=?(.*)/.exec(cookie);
      found.push([key, attempt(() => decodeURIComponent(value)) || value]);
    }
    return found;
  }

  const cookies = (key) => jar().filter((cookie) => cookie[0] === key);

  function setCookie(key, value, maxAge, where, path) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    const cookie = key + "=" + value + "; Max-Age=" + maxAge + "; Path=" + path + "; SameSite=Lax" + secure + where;
    Reflect.set(holder("cookie"), "cookie", cookie, document);
  }

  // The domains that this host belongs to, broadest first.
  function domains() {
    const labels = location.hostname.split(".");
    return labels.slice(1).map((_, index) => "; Domain=" + labels.slice(-index - 2).join("."));
  }

  // The broadest domain on which the browser accepts a cookie. It refuses public suffixes such as co.uk.
  function broadest() {
    for (const where of domains()) {
      setCookie(SESSION, 1, 9, where, "/");
      const found = cookies(SESSION)[0];
      setCookie(SESSION, "", 0, where, "/");
      if (found) return where;
    }
    return "";
  }

  // Removes a cookie from all of this host's domains and this page's paths; with `below`, from all paths but the root.
  function clear(key, below) {
    const parts = location.pathname.replace(/\/$/, "").split("/", 9);
    for (const where of ["", ...domains()]) {
      if (!below) setCookie(key, "", 0, where, "/");
      for (let depth = 2; depth <= parts.length; depth++) {
        for (const end of ["", "/"]) setCookie(key, "", 0, where, parts.slice(0, depth).join("/") + end);
      }
    }
  }

  // Browsers list cookies of deeper paths first, such as another tracker's stale one. Ours is the last.
  function load(key) {
    const found = cookies(key).pop();
    return memory[key] || (found ? found[1] : attempt(() => sessionStorage.getItem(key)));
  }

  // Stores a value in a cookie for `maxAge` seconds; without `maxAge`, or if cookies are refused, in the tab's storage.
  function keep(key, value, maxAge) {
    memory[key] = value;
    if (!consented) return;
    attempt(() => {
      for (let times = 0; maxAge && times < 2; times++) {
        if (domain === undefined) domain = broadest();
        setCookie(key, encodeURIComponent(value), maxAge, domain, "/");
        if (!cookies(key)[1]) break;
        clear(key);
      }
    });
    attempt(() => {
      const found = cookies(key)[0];
      if (!found || found[1] !== value) sessionStorage.setItem(key, value);
      delete memory[key];
    });
  }

  function drop(key) {
    delete memory[key];
    attempt(() => sessionStorage.removeItem(key));
    if (cookies(key)[0]) attempt(() => clear(key));
  }

  const knownId = () => load(CLICK_ID) || load("customer_code") || null;
  const knownUrl = () => load(AFFILIATE_URL) || null;
  const attribution = () => ({
    clickId: knownId(),
    programId: program,
    hasAttribution: !!knownId(),
    affiliateUrl: knownUrl(),
  });

  // The gateway refuses fields that are not strings, and pages may have replaced the sources of these values.
  function string(action) {
    const value = attempt(action);
    return typeof value === "string" ? value.slice(0, COOKIE_BYTES) : undefined;
  }

  // A click on this page; with an `id`, a click of an earlier page, whose title and referrer are lost.
  function visit(url, id) {
    if (!load(SESSION)) keep(SESSION, "sess_" + uuid());
    return {
      event_id: id || uuid(),
      affiliate_url: url,
      page_url: url.split("?")[0],
      page_title: id ? undefined : string(() => read("title")),
      referrer_url: id ? undefined : string(() => read("referrer")),
      session_id: load(SESSION),
      screen_resolution: string(() => screen.width + "x" + screen.height),
      viewport_size: string(() => innerWidth + "x" + innerHeight),
      language: string(() => navigator.language),
      timezone: string(() => Intl.DateTimeFormat().resolvedOptions().timeZone),
      additional_data: attempt(() => navigator.globalPrivacyControl) ? { global_privacy_control: true } : undefined,
    };
  }

  function waiting() {
    const clicks = attempt(() => JSON.parse(load(WAITING) || "[]"));
    return Array.isArray(clicks) ? clicks.filter((click) => click && click.event_id) : [];
  }

  // The clicks without a response: this tab's, and the landings that other pages of the site have left in cookies. They
  // are ordered by their ids, which start with the time.
  function pending() {
    const clicks = waiting();
    for (const [key, url] of jar()) {
      const id = (/^affitor_landing_([\da-f-]{36})$/.exec(key) || [])[1];
      if (id && !clicks.some((click) => click.event_id === id)) clicks.push(visit(url, id));
    }
    return clicks.sort((one, other) => (one.event_id < other.event_id ? -1 : 1)).slice(-WAITING_CLICKS);
  }

  // Whether a click's response will become the visitor's attribution: no later landing has been answered before it.
  const isLanding = ({ event_id: id }) => !!load(LANDING + id) && !(ANSWER + id < load(LATEST));

  // How often a click has been tried, and when it may be tried again.
  const triesOf = (click) => (load(TRIES + click.event_id) || "0 0").split(" ");

  // A clock that was set back must not delay a click.
  function waitOf(click) {
    const wait = triesOf(click)[1] - clock();
    return wait > LONGEST_WAIT_MS ? 0 : wait;
  }

  const backoff = (tries) => Math.min(1000 * 2 ** tries, 200000) * (1 + Math.random() / 2);

  // Retry-After contains seconds or a date.
  function pauseAfter(failure, tries) {
    const asked = attempt(() => failure.headers && failure.headers.get("Retry-After"));
    const pause = isNaN(asked) ? Date.parse(asked) - clock() : asked * 1000;
    return Math.min(Math.max(backoff(tries), pause || 0), LONGEST_WAIT_MS);
  }

  // Resolves with the gateway's final response, and rejects if a retry may help. A text body needs no preflight.
  async function post(click) {
    const response = await fetch(gateway.replace(/\/+$/, "") + CLICK_PATH, {
      __proto__: null,
      method: "POST",
      body: encode(click),
      keepalive: true,
      credentials: "omit",
      signal: attempt(() => AbortSignal.timeout(30000)),
    });
    const answer = await response.json().catch(note);
    // A 4xx is final whatever its body. A success that is not a JSON object does not come from the gateway, but from a
    // captive portal or a proxy's challenge page.
    if (/^4(?!08|25|29)/.test(response.status) || (response.status < 400 && Object(answer) === answer)) return answer;
    throw response;
  }

  async function tryToSend(click) {
    const id = click.event_id;
    const tries = +triesOf(click)[0];
    const age = clock() - parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
    if (tries > 19 || age > DAY_SECONDS * 1000) return finish(click);
    const postpone = (pause) => keep(TRIES + id, tries + 1 + " " + (clock() + pause));
    // In a fast sequence of pages, such as redirects, the next page may retry at once what the last one did not finish.
    postpone(tries > 2 ? backoff(tries - 1) : 0);
    underway[id] = true;
    try {
      finish(click, await post({ ...click, existing_click_id: isLanding(click) ? knownId() : undefined }));
    } catch (failure) {
      note("not sent, retrying", failure);
      postpone(pauseAfter(failure, tries));
    }
    delete underway[id];
    send();
  }

  // Sends the clicks that are due. Each waits a while for the response to the one before, whose customer it reuses.
  async function round() {
    if (!started || !consented) return;
    const clicks = pending();
    const patience = sleep(PATIENCE_MS);
    let next = LONGEST_WAIT_MS;
    if (clicks[0]) keep(WAITING, encode(clicks));
    for (const click of clicks) {
      const wait = waitOf(click);
      if (underway[click.event_id]) continue;
      if (wait <= 0) await NativePromise.race([tryToSend(click), patience]);
      else next = Math.min(next, wait);
      if (wait > 0 && wait < PATIENCE_MS) break;
    }
    clearTimeout(timer);
    if (clicks[0]) timer = setTimeout(send, next);
    update();
  }

  function send() {
    turn = turn.then(round).catch(note);
  }

  // Completes a click, with a response or without one.
  function finish(click, answer) {
    // The visitor has withdrawn consent in the meantime.
    if (!consented) return;
    note("response", answer);
    const id = click.event_id;
    const clicks = waiting();
    const left = clicks.filter((other) => other.event_id !== id);
    keep(WAITING, encode(left));
    // If the click is gone, another page has completed it, and its attribution may be newer.
    if (left.length < clicks.length && answer && answer.click_id) attribute(click, answer);
    drop(LANDING + id);
    drop(TRIES + id);
    update();
  }

  // Makes a landing the attribution, unless a later one already is. Cookies have no locks, and another tab may be doing
  // the same. So each tab announces its response before it checks whether the landing still counts, and after writing
  // looks for a later response to write instead. Of two tabs, at least one sees the other's announcement.
  function attribute(click, answer) {
    const key = ANSWER + click.event_id;
    const days = +answer.cookie_window_days || 60;
    const mine = [key + uuid(), answer.click_id + " " + days * DAY_SECONDS + " " + click.affiliate_url];
    const between = (from, to) => jar().find((cookie) => cookie[0] > from && cookie[0] < to);
    keep(...mine, ANSWER_SECONDS);
    if (isLanding(click) || !knownId()) {
      for (let latest = mine; latest; latest = between(latest[0], ANSWER + "g")) {
        const [id, age, url] = latest[1].split(" ");
        keep(CLICK_ID, id, age);
        keep(AFFILIATE_URL, url, age);
        if (data.affitorConsent) keep(LATEST, latest[0], DAY_SECONDS);
        // Earlier landings are still sent and counted, but the visitor is attributed to the later one.
        for (const other of pending()) if (ANSWER + other.event_id < latest[0]) drop(LANDING + other.event_id);
      }
      // A tab that is writing an earlier response has yet to see this one, so the cookie is left to expire.
      if (between(ANSWER, key)) return;
    }
    drop(mine[0]);
  }

  // A landing is a new code in the page's URL that differs from the visitor's last one. A `step` through the history to
  // a code that this tab has seen is not a landing. A reload or a step that `loads` a page never takes a visitor from
  // another partner.
  function land(url, step, loads, id) {
    const code = codeOf(url);
    if (code === lastCode) return;
    lastCode = code;
    if (!code) return;
    const codes = " " + (load(SEEN) || "") + " ";
    const seen = codes.indexOf(" " + code + " ") >= 0;
    if (!seen) keep(SEEN, (code + codes).slice(0, COOKIE_BYTES).trim());
    const clicks = pending();
    const last = clicks.filter(isLanding).pop();
    const owner = last ? last.affiliate_url : knownId() && (knownUrl() || "?");
    // Without storage it is unknown which codes the tab has seen.
    if (code === codeOf(owner) || (step && seen) || (loads && (owner || (consented && memory[SEEN])))) return;
    let short = url.split("#")[0];
    if (encodeURIComponent(short).length > COOKIE_BYTES) short = location.origin + "/?aff=" + encodeURIComponent(code);
    const click = visit(short, id);
    note("landing", click);
    clicks.push(click);
    keep(LANDING + click.event_id, short, DAY_SECONDS);
    keep(WAITING, encode(clicks.slice(-WAITING_CLICKS)));
    for (const other of clicks.slice(0, -LANDING_COOKIES)) drop(LANDING + other.event_id);
    update();
    send();
  }

  function look(step) {
    if (started) attempt(() => land(location.href, step));
  }

  function start() {
    started = true;
    const entry = attempt(() => performance.getEntriesByType("navigation")[0]) || {};
    const loads = /^(reload|back)/.test(entry.type);
    attempt(() => {
      for (const key of [CLICK_ID, AFFILIATE_URL]) if (consented && cookies(key)[1]) clear(key, true);
      // The visitor may have landed on the previous page and left it before giving consent.
      const referrer = read("referrer");
      const here = data.affitorConsent === "required" && referrer.indexOf(location.origin + "/") === 0;
      if (here) land(referrer, true, loads, uuid());
    });
    // An app may have cleaned its URL before this script ran, but the navigation entry still has the original.
    attempt(() => land(codeOf(location.href) ? location.href : entry.name, loads, loads));
    look(true);
    update();
    send();
  }

  // Resolves `affitor.ready` once no landing is waiting for a response.
  function update() {
    const waits = !started || (consented !== false && pending().some(isLanding));
    if (waits && !settle) settled = new NativePromise((done) => (settle = done));
    if (waits || !settle) return;
    settle();
    settle = null;
    const event = attempt(() => new CustomEvent("affitor:ready", { detail: attribution() }));
    attempt(() => EventTarget.prototype.dispatchEvent.call(document, event));
  }

  // Removes everything stored. Clicks without a response wait in memory in case the visitor consents later.
  function refuse() {
    const keys = attempt(() => Object.keys(sessionStorage)) || [];
    for (const [key] of jar()) keys.push(key);
    for (const key of [...keys, ...Object.keys(memory)]) {
      if (!/^(affitor_|customer_code$)/.test(key)) continue;
      const value = load(key);
      drop(key);
      if (/_(landing|tries|waiting)/.test(key)) memory[key] = value;
    }
    consented = false;
  }

  function agree() {
    consented = true;
    for (const key of Object.keys(memory)) keep(key, memory[key], key.indexOf(LANDING) ? 0 : DAY_SECONDS);
  }

  function watch(method) {
    const original = history[method];
    history[method] = function () {
      const result = original.apply(this, arguments);
      look();
      return result;
    };
  }

  function announce() {
    if (debugging) note("loaded for program " + program + ", gateway " + gateway);
  }

  const call = (entry) =>
    attempt(() => {
      const [method, ...words] = entry;
      return api[method](...words);
    });

  const api = {
    loaded: true,
    get programId() {
      return program;
    },
    get debugMode() {
      return debugging;
    },
    get clickId() {
      return knownId();
    },
    get affiliateUrl() {
      return knownUrl();
    },
    get hasAffiliateAttribution() {
      return !!knownId();
    },
    get ready() {
      return settled.then(attribution);
    },
    // The npm package's loader resolves a promise with this object. Being a thenable delays it until attribution is
    // settled, for at most five seconds: the package's React hook reads the object only once.
    get then() {
      if (!settle || !consented || !loaderWaits) return;
      return (done) => {
        const patience = sleep(5000).then(() => (loaderWaits = false));
        NativePromise.race([settled, patience]).then(() => done(api));
      };
    },
    getClickId: knownId,
    getData: attribution,
    init(options) {
      const silent = !debugging;
      ({ programId: program = program, debug: debugging = debugging, apiBase: gateway = gateway } = options || {});
      program = +program || null;
      if (silent) announce();
    },
    consent(given) {
      attempt(given ? agree : refuse);
      update();
      send();
    },
    async trackTest(more) {
      try {
        if (!program) console.warn("[Affitor] trackTest() needs a program id");
        if (!consented) return;
        const click = visit(location.href.split("#")[0]);
        click.additional_data = { ...click.additional_data, ...more, test_mode: true, program_id: program };
        const answer = await post(click);
        note("response", answer);
        return answer;
      } catch (failure) {
        note("not sent", failure);
      }
    },
  };

  announce();
  attempt(() => {
    update();
    const queue = window.affitorQueue || [];
    window.affitor = api;
    window.affitorQueue = { push: call };
    for (const entry of queue) call(entry);
  });
  attempt(() => watch("pushState"));
  attempt(() => watch("replaceState"));
  listen(window, "popstate", () => look(true));
  listen(window.navigation, "currententrychange", (event) => look(event.navigationType === "traverse"));
  // A prerendered page has no visitor yet.
  if (attempt(() => read("prerendering"))) listen(document, "prerenderingchange", start);
  else start();
})();
