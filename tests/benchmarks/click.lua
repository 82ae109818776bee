-- wrk script: clicks as a tracker sends them, from 100 links, 50 browsers and 2000 visitors.
--
--   wrk -t1 -c64 -d5s -s click.lua http://127.0.0.1:8000/api/v1/track/click [-- event-ids]
--
-- With `event-ids`, every request carries an event_id that no other request ever had. At the end it prints one line
-- that starts with "figures " and goes on as JSON.

local VISITORS = 2000
local ID_CHARS = 32
local heads, tails, turn, stamp, with_ids = {}, {}, 0, "", false

local SYSTEMS = {
  "Windows NT 10.0; Win64; x64",
  "Macintosh; Intel Mac OS X 10_15_7",
  "X11; Linux x86_64",
  "Linux; Android 14; SM-S921B",
  "Linux; Android 13; Pixel 7",
}

local function browser(n)
  local system, version = SYSTEMS[n % 5 + 1], 120 + n
  if system:find("X11") then
    return ("Mozilla/5.0 (%s; rv:%d.0) Gecko/20100101 Firefox/%d.0"):format(system, version, version)
  end
  local mobile = system:find("Android") and "Mobile " or ""
  return ("Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 %sSafari/537.36")
    :format(system, version, mobile)
end

local function address()
  return ("%d.%d.%d.%d"):format(math.random(1, 223), math.random(0, 255), math.random(0, 255), math.random(1, 254))
end

-- Sixteen hexadecimal digits that no other run and no other thread has.
local function random_stamp()
  local source = assert(io.open("/dev/urandom", "rb"))
  local bytes = source:read(8)
  source:close()
  return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

local function body(n)
  local fields = {
    ('"affiliate_url":"https://store.example.com/shoes/trail-%04d?utm_source=review&aff=CODE%04d"'):format(n, n % 100),
    ('"page_url":"https://store.example.com/shoes/trail-%04d?utm_source=review"'):format(n),
    '"page_title":"Trail shoes that last: what we would buy again in 2026"',
    ('"referrer_url":"https://outdoor-blog.example.org/%d/the-best-trail-shoes"'):format(2000 + n % 26),
    ('"session_id":"sess_%040d"'):format(n * 7919),
    '"screen_resolution":"2560x1440","viewport_size":"1707x898"',
    '"language":"en-GB","timezone":"Europe/London"',
  }
  if with_ids then
    fields[#fields + 1] = '"event_id":"' .. ("#"):rep(ID_CHARS) .. '"'
  end
  return "{" .. table.concat(fields, ",") .. "}"
end

function init(arguments)
  with_ids = arguments[1] == "event-ids"
  stamp = random_stamp()
  math.randomseed(20260101)
  for n = 1, VISITORS do
    local headers = {
      ["Content-Type"] = "application/json",
      ["User-Agent"] = browser(n % 50),
      ["X-Forwarded-For"] = address(),
    }
    local whole = wrk.format("POST", wrk.path, headers, body(n))
    local first = whole:find("#", 1, true)
    heads[n] = first and whole:sub(1, first - 1) or whole
    tails[n] = first and whole:sub(first + ID_CHARS) or ""
  end
end

function request()
  turn = turn + 1
  local n = turn % VISITORS + 1
  if not with_ids then
    return heads[n]
  end
  return heads[n] .. stamp .. ("%016x"):format(turn) .. tails[n]
end

function done(summary, latency, _)
  local errors = summary.errors
  local form = '{"answers": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "not_2xx": %d, "broken": %d}'
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  local p50, p99 = latency:percentile(50) / 1e3, latency:percentile(99) / 1e3
  io.write("figures ", form:format(summary.requests, summary.duration / 1e6, p50, p99, errors.status, broken), "\n")
end
