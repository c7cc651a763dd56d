int sum(int to) { return to * (to + 1) / 2; }
