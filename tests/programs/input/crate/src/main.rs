mod words;

fn main() {
    println!("{:?}", words::longest("cargo builds a small crate without a network"));
}
