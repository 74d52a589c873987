-- What wrk sends and what it tells: `wrk -s load.lua URL -- KEYS BODY_BYTES`.
-- With several keys the requests go round over URL/1, URL/2 and so on, written beforehand.
-- Ends with a line for the table: RESULT requests seconds p50_ms p99_ms failed.
local turn, lines = 0, {}

function init(arguments)
    local keys, body_bytes = tonumber(arguments[1]), tonumber(arguments[2])
    if body_bytes > 0 then
        wrk.method = "POST"
        wrk.headers["Content-Type"] = "application/json"
        wrk.body = '{"x":"' .. string.rep("x", body_bytes - 8) .. '"}'
    end
    if keys == 1 then return end -- wrk sends the same bytes each time, with no Lua between them.
    for key = 1, keys do
        lines[key] = wrk.format(nil, wrk.path .. "/" .. key)
    end
    request = function()
        turn = turn % keys + 1
        return lines[turn]
    end
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
    print(string.format("RESULT %d %.3f %.3f %.3f %d", summary.requests, summary.duration / 1e6,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, failed))
end
