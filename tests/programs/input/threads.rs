use std::collections::HashMap;
use std::sync::{mpsc, Arc, Mutex};
use std::thread;

fn main() {
    let counts: Arc<Mutex<HashMap<String, usize>>> = Arc::new(Mutex::new(HashMap::new()));
    let (sender, receiver) = mpsc::channel();
    let threads: Vec<_> = (0..8)
        .map(|t| {
            let counts = Arc::clone(&counts);
            let sender = sender.clone();
            thread::spawn(move || {
                for i in 0..1000 {
                    *counts.lock().unwrap().entry(format!("key{}", (i * (t + 1)) % 37)).or_insert(0) += 1;
                }
                sender.send(t * t).unwrap();
            })
        })
        .collect();
    drop(sender);
    for thread in threads {
        thread.join().unwrap();
    }
    println!("squares: {}", receiver.iter().sum::<usize>());
    let mut sorted: Vec<_> = counts.lock().unwrap().clone().into_iter().collect();
    sorted.sort();
    for (key, count) in sorted.iter().take(10) {
        println!("{key} {count}");
    }
    let caught = std::panic::catch_unwind(|| {
        let v: Vec<i32> = Vec::new();
        v[3]
    });
    println!("panicked: {}", caught.is_err());
    std::process::exit(5);
}
