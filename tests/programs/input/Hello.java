import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;

public class Hello {
    public static void main(String[] args) throws Exception {
        System.out.println("hello from Java " + IntStream.rangeClosed(1, 10).sum());
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Future<Long>> parts = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            final int from = t * 25_000;
            parts.add(pool.submit(() -> LongStream.range(from, from + 25_000).filter(n -> n % 7 == 3).sum()));
        }
        long total = 0;
        for (Future<Long> part : parts) total += part.get();
        pool.shutdown();
        System.out.println(total);
        try {
            Object o = null;
            o.hashCode();
        } catch (NullPointerException e) {
            System.out.println("null pointer caught");
        }
    }
}
