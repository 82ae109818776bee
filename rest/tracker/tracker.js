// The tracker: reports a visitor's landing through a referral link, stores the response in first-party cookies, and
// reports the sign-up that follows.
//
// It runs on other people's pages and must not throw into them, so anything that a browser may refuse or a page may
// have broken goes through `attempt`. It avoids what pages are known to replace or hide: `URL`, `Promise`, `toJSON` of
// arrays, and properties of `document`. `minifier.py` documents the rules for its names.
(() => {

  const CLICK_PATH = "/api/v1/track/click";
  const LEAD_PATH = "/api/v1/track/lead";
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

  // An element such as <form name="title"> hides the document's property of that name.
  const holder = (key) => (Object(document[key]) === document[key] ? Document.prototype : document);
  const read = (key) => Reflect.get(holder(key), key, document);
  const script =
    attempt(() => read("currentScript") || read("querySelector").call(document, "[data-affitor-program-id]")) || {};
  const data = script.dataset || {};
  // The browser's own Promise, even if the page has replaced it.
  const NativePromise = (async () => {})().constructor;
  // Holds what the browser refuses to store, and what waits for consent, for the lifetime of the page.
  const memory = { __proto__: null };
  const underway = { __proto__: null };
  // The functions that resolve this page's sign-ups, by event_id.
  const resolvers = { __proto__: null };
  let program = +data.affitorProgramId || null;
  let debugging = data.affitorDebug === "true";
  let gateway = data.affitorApiBase || (/^\w+:\/\/[^/]+/.exec(script.src) || [location.origin])[0];
  const asks = data.affitorConsent === "required";
  // Null until the visitor has been asked.
  let consented = !asks || null;
  let loaderWaits = true;
  let turn = NativePromise.resolve();
  let started, root, lastCode, timer, settled, settle;

  function attempt(action) {
    try {
      return action();
    } catch (failure) {
      note(failure);
    }
  }

  function note(...found) {
    try {
      if (debugging) console.log("[Affitor]", ...found);
    } catch (failure) {
      // The page has broken the console.
    }
  }

  const target = EventTarget.prototype;
  const listen = (node, kind, action) => attempt(() => target.addEventListener.call(node, kind, action));
  const sleep = (ms) => new NativePromise((done) => setTimeout(done, ms));
  const clock = () => attempt(() => Math.floor(Date.now())) || 0;


  // Shadows toJSON, which JSON.stringify would call: pages define some that throw, and Prototype.js before 1.7 one on
  // arrays with a different meaning.
  function plain(value) {
    if (Object(value) !== value || value instanceof Date) return value;
    const copy = Array.isArray(value) ? [] : {};
    for (const [key, other] of Object.entries(value)) copy[key] = plain(other);
    copy.toJSON = undefined;
    return copy;
  }

  const encode = (value) => JSON.stringify(plain(value));

  // What a sign-up resolves with if the gateway has not answered it.
  function unsent(reason) {
    note("not sent", reason);
    return { success: false, message: reason || "No click id" };
  }

  const decode = (text) => attempt(() => decodeURIComponent(text)) || text;

  // The first `aff` parameter of a URL. Mail programs and chats append characters that cannot be part of a code, and
  // write &amp; for &. The gateway repairs such links in the same way.
  function codeOf(url) {
    const query = (url || "").split("#")[0].replace(/^[^?]*\??/, "&");
    const found = /&aff=([^&]*)/.exec(query) || /&amp;aff=([^&]*)/.exec(query) || ["", ""];
    return decode(found[1].slice(0, 300)).replace(/(%\w\w|[^\w-])+$/, "");
  }

  // A UUID of version 7 (RFC 9562): the time, followed by random bits.
  function uuid() {
    const byte = () => attempt(() => crypto.getRandomValues(new Uint8Array(1))[0]) || Math.random() * 256;
    const time = clock().toString(16).padStart(12, "0").replace(/.{8}/, "$&-");
    return (time + "-7xxx-8xxx-xxxxxxxxxxxx").replace(/x/g, () => (byte() & 15).toString(16));
  }

  // The cookies that the page can see, as [key, value].
  function jar() {
    return (attempt(() => read("cookie")) || "").split("; ").map((cookie) => {
      const [key, value] = cookie.split(/=(.*)/);
      return [key, decode(value || "")];
    });
  }

  const cookies = (key) => jar().filter((cookie) => cookie[0] === key);

  // Sets a cookie at a path, to which a domain may be appended.
  function setCookie(key, value, maxAge, where) {
    const secure = location.protocol[4] === "s" ? "; Secure" : "";
    const cookie = key + "=" + value + "; Max-Age=" + maxAge + "; SameSite=Lax" + secure + "; Path=" + where;
    Reflect.set(holder("cookie"), "cookie", cookie, document);
  }

  // The domains that this host belongs to, broadest first.
  function domains() {
    const labels = location.hostname.split(".");
    return labels.slice(1).map((_, index) => "; Domain=" + labels.slice(-index - 2).join("."));
  }

  // The root path on the broadest domain on which the browser accepts a cookie. It refuses public suffixes such as co.uk.
  function broadest() {
    for (const other of domains()) {
      const where = "/" + other;
      setCookie(SESSION, 1, 9, where);
      const found = cookies(SESSION)[0];
      setCookie(SESSION, "", 0, where);
      if (found) return where;
    }
    return "/";
  }

  // Removes a cookie from all of this host's domains and this page's paths; with `below`, from all paths but the root.
  function clear(key, below) {
    const parts = location.pathname.split("/", 9);
    for (const where of ["", ...domains()]) {
      for (let depth = below ? 2 : 1; depth <= parts.length; depth++) {
        for (const end of ["", "/"]) setCookie(key, "", 0, parts.slice(0, depth).join("/") + end + where);
      }
    }
  }

  // Browsers list cookies of deeper paths first, such as another tracker's stale one. Ours is the last.
  const load = (key) => memory[key] || (cookies(key).pop() || [0, attempt(() => sessionStorage[key])])[1];

  // Stores a value in a cookie for `maxAge` seconds; without `maxAge`, or if cookies are refused, in the tab's storage.
  function keep(key, value, maxAge) {
    memory[key] = value;
    if (!consented) return;
    attempt(() => {
      for (let times = 0; maxAge && times < 2; times++) {
        root = root || broadest();
        setCookie(key, encodeURIComponent(value), maxAge, root);
        if (!cookies(key)[1]) break;
        clear(key);
      }
    });
    attempt(() => {
      if (!cookies(key)[0] || cookies(key)[0][1] !== value) sessionStorage[key] = value;
      delete memory[key];
    });
  }

  function drop(key) {
    delete memory[key];
    attempt(() => delete sessionStorage[key]);
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
    if (typeof value === "string") return value.slice(0, COOKIE_BYTES);
  }

  // What clicks and leads have in common.
  function common(url, id) {
    if (!load(SESSION)) keep(SESSION, "sess_" + uuid());
    return { event_id: id || uuid(), page_url: url.split("?")[0], session_id: load(SESSION) };
  }

  // A click on this page; with an `id`, a click of an earlier page, whose title and referrer are lost.
  const visit = (url, id) => ({
    ...common(url, id),
    affiliate_url: url,
    page_title: string(() => !id && read("title")),
    referrer_url: string(() => !id && read("referrer")),
    screen_resolution: string(() => screen.width + "x" + screen.height),
    viewport_size: string(() => innerWidth + "x" + innerHeight),
    language: string(() => navigator.language),
    timezone: string(() => Intl.DateTimeFormat().resolvedOptions().timeZone),
    additional_data: attempt(() => navigator.globalPrivacyControl) ? { global_privacy_control: true } : undefined,
  });

  const waiting = () =>
    attempt(() => JSON.parse(load(WAITING) || "[]").filter((click) => click && click.event_id)) || [];

  const hold = (clicks) => keep(WAITING, encode(clicks.slice(-WAITING_CLICKS)));

  // The clicks and leads without a response: this tab's, and the landings that other pages of the site have left in
  // cookies. They are ordered by their ids, which start with the time.
  function pending() {
    const clicks = waiting();
    for (const [key, url] of jar()) {
      const id = (/^affitor_landing_([\w-]{36})$/.exec(key) || [])[1];
      if (id && !clicks.some((click) => click.event_id === id)) clicks.push(visit(url, id));
    }
    return clicks.sort((click, other) => click.event_id > other.event_id || -1).slice(-WAITING_CLICKS);
  }

  // Whether a click's response will become the visitor's attribution: no later landing has been answered before it.
  const isLanding = (click) => load(LANDING + click.event_id) && !(ANSWER + click.event_id < load(LATEST));

  // How often a click has been tried, and when it may be tried again.
  const triesOf = (click) => (load(TRIES + click.event_id) || "").split(" ");

  const backoff = (tries) => Math.min(1000 * 2 ** tries, 200000) * (1 + Math.random() / 2);

  // Only leads have no affiliate URL. They are sent with the click id of that moment.
  const isLead = (click) => !click.affiliate_url;

  // Resolves with the gateway's final response, and rejects if a retry may help. A text body needs no preflight.
  async function post(click) {
    const response = await fetch(gateway.replace(/\/+$/, "") + (isLead(click) ? LEAD_PATH : CLICK_PATH), {
      __proto__: null,
      method: "POST",
      body: encode(click),
      keepalive: true,
      credentials: "omit",
      signal: attempt(() => AbortSignal.timeout(30000)),
    });
    const answer = await response.json().catch(note);
    note("response", answer);
    // A 4xx is final whatever its body. A response that does not say if it is a success does not come from the gateway,
    // but from a captive portal or a proxy's challenge page.
    if (/^4(?!08|25|29)/.test(response.status) || (response.ok && answer && answer.success != null))
      return answer || unsent("HTTP " + response.status);
    throw response;
  }

  async function tryToSend(click) {
    const id = click.event_id;
    const tries = +triesOf(click)[0];
    const age = clock() - parseInt(id.replace("-", "").slice(0, 12), 16);
    if (tries > 19 || age > DAY_SECONDS * 1000) return finish(click, unsent("Gave up"));
    if (isLead(click) && !knownId()) return finish(click, unsent());
    const postpone = (pause) => keep(TRIES + id, tries + 1 + " " + (clock() + pause));
    // In a fast sequence of pages, such as redirects, the next page may retry at once what the last one did not finish.
    postpone(tries > 2 && backoff(tries - 1));
    underway[id] = true;
    try {
      const known = isLead(click) ? { click_id: knownId() } : isLanding(click) && { existing_click_id: knownId() };
      finish(click, await post({ ...click, ...known }));
    } catch (failure) {
      note("not sent, retrying", failure);
      // Retry-After contains seconds or a date.
      const asked = attempt(() => failure.headers.get("Retry-After"));
      const pause = asked * 1000 || Date.parse(asked) - clock();
      postpone(Math.min(Math.max(backoff(tries), pause || 0), LONGEST_WAIT_MS));
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
    if (clicks[0]) hold(clicks);
    for (const click of clicks) {
      const wait = triesOf(click)[1] - clock();
      // A lead needs the click id that a landing is still waiting for.
      if (underway[click.event_id] || (isLead(click) && settle && !knownId())) continue;
      // A clock that was set back must not delay a click.
      if (wait > 0 && wait <= LONGEST_WAIT_MS) {
        next = Math.min(next, wait);
        if (wait < PATIENCE_MS) break;
      } else await NativePromise.race([tryToSend(click), patience]);
    }
    clearTimeout(timer);
    if (clicks[0]) timer = setTimeout(send, next);
    update();
  }

  const send = () => (turn = turn.then(round).catch(note));

  // Completes a click.
  function finish(click, answer) {
    // The visitor has withdrawn consent in the meantime.
    if (!consented) return;
    const id = click.event_id;
    const clicks = waiting();
    const left = clicks.filter((other) => other.event_id !== id);
    hold(left);
    // If the click is gone, another page has completed it, and its attribution may be newer.
    if (clicks[left.length] && answer.click_id) attribute(click, answer);
    drop(LANDING + id);
    drop(TRIES + id);
    if (resolvers[id]) resolvers[id](answer);
    update();
  }

  // Makes a landing the attribution, unless a later one already is. Cookies have no locks, and another tab may be doing
  // the same. So each tab announces its response before it checks whether the landing still counts, and after writing
  // looks for a later response to write instead. Of two tabs, at least one sees the other's announcement.
  function attribute(click, answer) {
    const key = ANSWER + click.event_id;
    const days = +answer.cookie_window_days || 60;
    const mine = [key + uuid(), answer.click_id + " " + days * DAY_SECONDS + " " + click.affiliate_url];
    const between = (id, other) => jar().find((cookie) => cookie[0] > id && cookie[0] < other);
    keep(...mine, ANSWER_SECONDS);
    if (isLanding(click) || !knownId()) {
      for (let latest = mine; latest; latest = between(latest[0], ANSWER + "g")) {
        const [id, age, url] = latest[1].split(" ");
        keep(CLICK_ID, id, age);
        keep(AFFILIATE_URL, url, age);
        if (asks) keep(LATEST, latest[0], DAY_SECONDS);
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
    if (code === lastCode || !(lastCode = code)) return;
    const codes = (load(SEEN) || "").split(" ");
    const seen = codes.includes(code);
    if (!seen) keep(SEEN, [code, ...codes].join(" ").slice(0, COOKIE_BYTES));
    const clicks = pending();
    const last = clicks.filter(isLanding).pop();
    const owner = last ? last.affiliate_url : knownId() && (knownUrl() || "?");
    // Without storage it is unknown which codes the tab has seen.
    if (code === codeOf(owner) || (step && seen) || (loads && (owner || (consented && memory[SEEN])))) return;
    let short = url.split("#")[0];
    if (encodeURIComponent(short).length > COOKIE_BYTES) short = location.origin + "/?aff=" + encodeURIComponent(code);
    const click = visit(short, id);
    note("landing", click);
    keep(LANDING + click.event_id, short, DAY_SECONDS);
    clicks.push(click);
    hold(clicks);
    for (const other of clicks.slice(0, -LANDING_COOKIES)) drop(LANDING + other.event_id);
    update();
    send();
  }

  const look = (step) => started && attempt(() => land(location.href, step));

  function start() {
    started = true;
    const entry = attempt(() => performance.getEntriesByType("navigation")[0]) || {};
    const loads = /^(reload|back)/.test(entry.type);
    attempt(() => {
      for (const key of [CLICK_ID, AFFILIATE_URL]) if (consented && cookies(key)[1]) clear(key, true);
      // The visitor may have landed on the previous page and left it before giving consent.
      const referrer = read("referrer");
      if (asks && !referrer.indexOf(location.origin + "/")) land(referrer, true, loads, uuid());
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
    attempt(() => target.dispatchEvent.call(document, new CustomEvent("affitor:ready", { detail: attribution() })));
  }

  // Reports a sign-up, and resolves with the response. It waits in the tab's storage like a click.
  const signUp = (lead) =>
    new NativePromise((done) => {
      const last = attempt(() => {
        // Without a click id, and with no landing that may bring one, there is nothing to report.
        if (!knownId() && !settle) return;
        const clicks = pending();
        // Without an affiliate URL, whatever the page says: that would make it a click.
        const click = { ...lead, ...common(location.href.split("#")[0]), affiliate_url: undefined };
        click.customer_key = (click.customer_key || click.user_id || "") + "";
        clicks.push(click);
        hold(clicks);
        resolvers[click.event_id] = done;
        return send();
      });
      settled.then(() => (last && knownId()) || done(unsent(knownId() && "Invalid data")));
    });

  // Removes everything stored. Clicks without a response wait in memory in case the visitor consents later.
  function refuse() {
    hold(waiting().filter((click) => click.affiliate_url));
    for (const id in resolvers) resolvers[id](unsent("No consent"));
    const keys = { ...attempt(() => sessionStorage), ...memory };
    for (const [key] of jar()) keys[key] = key;
    for (const key in keys) {
      const value = load(key);
      if (/^(affitor_|customer_code$)/.test(key)) drop(key);
      if (/^affitor_(landing|tries|waiting)/.test(key)) memory[key] = value;
    }
    consented = false;
  }

  function agree() {
    consented = true;
    for (const key in memory) keep(key, memory[key], key.indexOf(LANDING) ? 0 : DAY_SECONDS);
  }

  const announce = () => note("loaded for program " + program + ", gateway " + gateway);

  const replay = (entry) =>
    attempt(() => {
      const [key, ...found] = entry;
      return api[key](...found);
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
    get customerCode() {
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
      if (settle && consented && loaderWaits) {
        return (done) => {
          NativePromise.race([settled, sleep(5000).then(() => (loaderWaits = false))]).then(() => done(api));
        };
      }
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
      attempt((given && agree) || refuse);
      update();
      send();
    },
    signup: (key, address) => signUp({ customer_key: key, email: address }),
    trackLead: signUp,
    async trackTest(more) {
      try {
        if (!program) console.warn("[Affitor] trackTest() needs a program id");
        if (!consented) return;
        const click = visit(location.href.split("#")[0]);
        click.additional_data = { ...click.additional_data, ...more, test_mode: true, program_id: program };
        return await post(click);
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
    window.affitorQueue = { push: replay };
    for (const entry of queue) replay(entry);
  });
  for (const key of ["pushState", "replaceState"]) {
    attempt(() => {
      const original = history[key];
      history[key] = function () {
        const found = original.apply(this, arguments);
        look();
        return found;
      };
    });
  }
  listen(window, "popstate", () => look(true));
  listen(window.navigation, "currententrychange", (event) => look(event.navigationType === "traverse"));
  // A prerendered page has no visitor yet.
  if (attempt(() => read("prerendering"))) listen(document, "prerenderingchange", start);
  else start();
})();
