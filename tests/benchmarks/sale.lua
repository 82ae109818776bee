-- wrk script: sales as a merchant's back end sends them, each of another customer.
--
--   wrk -t1 -c64 -d5s -s sale.lua http://127.0.0.1:8000/api/v1/track/sale -- TOKEN click-ids.txt FIRST
--
-- The file has a click id on each line; the first sale is of the one on line FIRST. At the end it prints one line that
-- starts with "figures " and goes on as JSON.

local PLANS = { "basic", "team", "business", "enterprise" }
local customers, turn, stamp = {}, 0, ""
local head, tail = "", ""

-- Sixteen hexadecimal digits that no other run has.
local function random_stamp()
  local source = assert(io.open("/dev/urandom", "rb"))
  local bytes = source:read(8)
  source:close()
  return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

local function body(n)
  local plan = PLANS[n % #PLANS + 1]
  return "{" .. table.concat({
    ('"transaction_id":"txn_%s_%010d"'):format(stamp, n),
    ('"amount_cents":%06d'):format(100000 + n * 7919 % 900000),
    '"currency":"USD"',
    ('"customer_key":"user_%s_%010d"'):format(stamp, n),
    ('"click_id":"%s"'):format(customers[n % #customers + 1]),
    ('"sale_type":"subscription","subscription_interval":"monthly","subscription_id":"sub_%010d"'):format(n),
    ('"product_id":"%s"'):format(plan),
    ('"line_items":[{"name":"The %s plan","quantity":1}]'):format(plan),
    '"additional_data":{"coupon":"SPRING","channel":"web"}',
  }, ",") .. "}"
end

function init(arguments)
  local token = arguments[1]
  for line in io.lines(arguments[2]) do
    customers[#customers + 1] = line
  end
  turn = tonumber(arguments[3])
  stamp = random_stamp()
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["User-Agent"] = "shop-back-end/1.0"
  wrk.headers["Authorization"] = "Bearer " .. token
end

function request()
  local n = turn
  turn = turn + 1
  return wrk.format(nil, nil, nil, body(n))
end

function done(summary, latency, _)
  local errors = summary.errors
  local form = '{"answers": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "not_2xx": %d, "broken": %d}'
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  local p50, p99 = latency:percentile(50) / 1e3, latency:percentile(99) / 1e3
  io.write("figures ", form:format(summary.requests, summary.duration / 1e6, p50, p99, errors.status, broken), "\n")
end
