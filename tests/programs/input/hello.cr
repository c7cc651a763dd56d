channel = Channel(Int32).new
5.times { |i| spawn { channel.send(i * i) } }
puts 5.times.map { channel.receive }.sum
puts({"a" => 1, "b" => 2}.map { |k, v| k * v }.join(","))
begin
  [1][7]
rescue error
  puts error.message
end
