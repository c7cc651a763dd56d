-- What scripts do: calls, tables, strings, floating point. The argument multiplies the work.
local turns = tonumber(arg[1]) or 1

local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end

local function sorted(count)
  local state, list = 1, {}
  for i = 1, count do
    state = (state * 1103515245 + 12345) % 2147483648
    list[i] = state
  end
  table.sort(list)
  return list[1] + list[count]
end

local function words(count)
  local seen, parts = {}, {}
  for i = 1, count do
    local word = string.format("w%d", i * 7919 % 1000)
    seen[word] = (seen[word] or 0) + 1
    parts[#parts + 1] = word:upper():sub(1, 3)
  end
  return seen.w7, #table.concat(parts, " ")
end

local function area(steps)
  local sum = 0.0
  for i = 0, steps - 1 do
    local x = (i + 0.5) / steps
    sum = sum + 4.0 / (1.0 + x * x)
  end
  return sum / steps
end

for _ = 1, turns do
  print(fib(24), sorted(20000), words(20000), string.format("%.10f", area(200000)))
end
