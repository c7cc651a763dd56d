// Allocation and recursion: binary trees are built, walked and freed, small ones many times beside one that lives on.
#include <stdio.h>
#include <stdlib.h>

struct tree {
  struct tree *left, *right;
};

static struct tree *build(int depth) {
  struct tree *tree = malloc(sizeof *tree);
  tree->left = depth > 0 ? build(depth - 1) : NULL;
  tree->right = depth > 0 ? build(depth - 1) : NULL;
  return tree;
}

static long count(const struct tree *tree) { return tree->left ? 1 + count(tree->left) + count(tree->right) : 1; }

static void drop(struct tree *tree) {
  if (tree->left) drop(tree->left), drop(tree->right);
  free(tree);
}

int main(int argc, char **argv) {
  int deepest = argc > 1 ? atoi(argv[1]) : 15;
  struct tree *lasting = build(deepest);
  for (int depth = 4; depth <= deepest; depth += 4) {
    long turns = 1L << (deepest - depth + 3), nodes = 0;
    for (long i = 0; i < turns; i++) {
      struct tree *tree = build(depth);
      nodes += count(tree);
      drop(tree);
    }
    printf("%ld trees of depth %d: %ld\n", turns, depth, nodes);
  }
  printf("lasting: %ld\n", count(lasting));
  return 0;
}
