/** Numbers for objects, in the order in which somebody first asked: what kcmp(2) sorts by. */
export class Identities {
  readonly #numbers: WeakMap<object, number> = new WeakMap();
  #next = 1;

  of(object: object): number {
    let number = this.#numbers.get(object);
    if (number === undefined) {
      number = this.#next++;
      this.#numbers.set(object, number);
    }
    return number;
  }
}
