-- wrk script: posts the bodies of a file in turn, each line a bearer token, a tab, and the body.
--
--   wrk -t1 -c16 -d5s -s bodies.lua http://127.0.0.1:8000/graphql -- bodies.txt
--
-- A line without a token is sent without one. At the end it prints one line that starts with "figures " and goes on as
-- JSON.

local requests, turn = {}, 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    local token, body = line:match("^([^\t]*)\t(.*)$")
    local headers = { ["Content-Type"] = "application/json", ["Accept"] = "application/json" }
    if token ~= "" then
      headers["Authorization"] = "Bearer " .. token
    end
    requests[#requests + 1] = wrk.format("POST", wrk.path, headers, body)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency, _)
  local errors = summary.errors
  local form = '{"answers": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "not_2xx": %d, "broken": %d}'
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  local p50, p99 = latency:percentile(50) / 1e3, latency:percentile(99) / 1e3
  io.write("figures ", form:format(summary.requests, summary.duration / 1e6, p50, p99, errors.status, broken), "\n")
end
