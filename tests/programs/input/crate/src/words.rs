pub fn longest(text: &str) -> Option<&str> {
    text.split(' ').max_by_key(|word| word.len())
}

#[cfg(test)]
mod tests {
    #[test]
    fn finds_the_longest() {
        assert_eq!(super::longest("a bcd ef"), Some("bcd"));
    }
}
