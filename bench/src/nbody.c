// Scalar double arithmetic with divisions and square roots: the outer planets, by a symplectic integrator.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct body {
  double x[3], v[3], mass;
};

enum { BODIES = 5 };
static const double pi = 3.141592653589793;

static void advance(struct body *bodies, double dt) {
  for (int i = 0; i < BODIES; i++)
    for (int j = i + 1; j < BODIES; j++) {
      struct body *a = &bodies[i], *b = &bodies[j];
      double dx = a->x[0] - b->x[0], dy = a->x[1] - b->x[1], dz = a->x[2] - b->x[2];
      double square = dx * dx + dy * dy + dz * dz, pull = dt / (square * sqrt(square));
      a->v[0] -= dx * b->mass * pull, a->v[1] -= dy * b->mass * pull, a->v[2] -= dz * b->mass * pull;
      b->v[0] += dx * a->mass * pull, b->v[1] += dy * a->mass * pull, b->v[2] += dz * a->mass * pull;
    }
  for (int i = 0; i < BODIES; i++)
    for (int k = 0; k < 3; k++) bodies[i].x[k] += dt * bodies[i].v[k];
}

static double energy(const struct body *bodies) {
  double sum = 0;
  for (int i = 0; i < BODIES; i++) {
    const struct body *a = &bodies[i];
    sum += 0.5 * a->mass * (a->v[0] * a->v[0] + a->v[1] * a->v[1] + a->v[2] * a->v[2]);
    for (int j = i + 1; j < BODIES; j++) {
      const struct body *b = &bodies[j];
      double dx = a->x[0] - b->x[0], dy = a->x[1] - b->x[1], dz = a->x[2] - b->x[2];
      sum -= a->mass * b->mass / sqrt(dx * dx + dy * dy + dz * dz);
    }
  }
  return sum;
}

int main(int argc, char **argv) {
  long steps = argc > 1 ? atol(argv[1]) : 3000000;
  // Sun, Jupiter, Saturn, Uranus, Neptune: astronomical units, years, masses in units of the Sun's over 4 pi^2.
  struct body bodies[BODIES] = {
    {{0, 0, 0}, {0, 0, 0}, 1},
    {{4.841, -1.160, -0.1036}, {0.6063, 2.8119, -0.02522}, 9.5479e-4},
    {{8.343, 4.1248, -0.4035}, {-1.0108, 1.8257, 0.00842}, 2.8589e-4},
    {{12.894, -15.111, -0.2233}, {1.0828, 0.8688, -0.01083}, 4.3662e-5},
    {{15.380, -25.919, 0.1793}, {0.9791, 0.5942, -0.03476}, 5.1514e-5},
  };
  for (int i = 0; i < BODIES; i++) bodies[i].mass *= 4 * pi * pi;
  for (int i = 1; i < BODIES; i++)
    for (int k = 0; k < 3; k++) bodies[0].v[k] -= bodies[i].v[k] * bodies[i].mass / bodies[0].mass;
  double before = energy(bodies);
  for (long i = 0; i < steps; i++) advance(bodies, 0.01);
  printf("%.17g %.17g\n", before, energy(bodies));
  return 0;
}
