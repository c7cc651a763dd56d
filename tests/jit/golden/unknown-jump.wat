;; l: movzx eax,byte [rdi]
;; inc rdi
;; jmp [rsi+rax*8]
(func $r10000 (param i32 i32) (result i32)
  (local i32 i32 i32 i32 i64 i64 i32 i64 i64 i32 i32 i64 i64 i64 i64 i32 i32 i64 i64)
  (local.set 3 (i32.sub (i32.load offset=5672 (; fuel ;) (i32.const 0)) (i32.const 1)))
  (i32.store offset=5672 (; fuel ;) (i32.const 0) (local.get 3))
  (local.set 2 (i32.sub (local.get 1) (i32.const 1)))
  (if
    (i32.lt_s (i32.or (local.get 3) (local.get 2)) (i32.const 0))
    (then
      (return (i32.const 65536))))
  (local.set 5 (i32.const 18))
  (local.set 6 (i64.load offset=4144 (; rsi ;) (i32.const 0)))
  (local.set 7 (i64.load offset=4152 (; rdi ;) (i32.const 0)))
  (local.set 8 (i32.load offset=4272 (; flags: op ;) (i32.const 0)))
  (local.set 9 (i64.load offset=4280 (; flags: dst ;) (i32.const 0)))
  (local.set 10 (i64.load offset=4288 (; flags: src ;) (i32.const 0)))
  (local.set 12 (i32.load offset=4300 (; flags: previous ;) (i32.const 0)))
  (local.set 13 (i64.load offset=4344 (; flags: stepped ;) (i32.const 0)))
  (block $1
    (block $2
      (block
        (block $4
          (block
            (block
              (block
                (block
                  (block
                    (local.set 15 (local.get 7))
                    (local.set 16 (local.get 15))
                    (local.set 17 (i32.wrap_i64 (local.get 16)))
                    (if
                      (i32.wrap_i64 (i64.shr_u (local.get 16) (i64.const 32)))
                      (then
                        (local.set 4 (i32.const 65536))
                        (br $1)))
                    (if
                      (i32.eqz
                        (i32.and
                          (i32.load8_u offset=1048576 (; page ;) (i32.shr_u (local.get 17) (i32.const 12)))
                          (i32.const 1)))
                      (then
                        (local.set 4 (i32.const 65536))
                        (br $1)))
                    (local.set 18 (i32.load8_u offset=67108864 (; guest ;) (local.get 17)))
                    (local.set 19 (i64.extend_i32_u (local.get 18)))
                    (local.set 16 (local.get 7))
                    (local.set 15 (i64.add (local.get 16) (i64.const 1)))
                    (local.set 7 (local.get 15))
                    (local.set 12
                      (select
                        (local.get 12)
                        (local.get 8)
                        (i32.le_u (i32.sub (local.get 8) (i32.const 24)) (i32.const 7))))
                    (local.set 13 (local.get 15))
                    (local.set 8 (i32.const 27))
                    (local.set 15 (i64.add (local.get 6) (i64.shl (local.get 19) (i64.const 3))))
                    (local.set 16 (local.get 15))
                    (local.set 18 (i32.wrap_i64 (local.get 16)))
                    (if
                      (i32.wrap_i64 (i64.shr_u (local.get 16) (i64.const 32)))
                      (then
                        (local.set 4 (i32.const 65542))
                        (br $2)))
                    (if
                      (i32.eqz
                        (i32.and
                          (i32.load8_u offset=1048576 (; page ;) (i32.shr_u (local.get 18) (i32.const 12)))
                          (i32.const 32)))
                      (then
                        (if
                          (i32.eqz
                            (i32.and
                              (i32.and
                                (i32.load8_u offset=1048576 (; page ;)
                                  (i32.shr_u (local.get 18) (i32.const 12)))
                                (i32.load8_u offset=1048576 (; page ;)
                                  (i32.shr_u (i32.add (local.get 18) (i32.const 7)) (i32.const 12))))
                              (i32.const 1)))
                          (then
                            (local.set 4 (i32.const 65542))
                            (br $2)))))
                    (local.set 20 (i64.load offset=67108864 (; guest ;) (local.get 18)))
                    (if
                      (i64.ge_u (i64.sub (local.get 20) (i64.const 1)) (i64.const 4294967295))
                      (then
                        (local.set 4 (i32.const 65542))
                        (br $2)))
                    (local.set 4 (i32.wrap_i64 (local.get 20)))
                    (i32.store
                      (i32.add
                        (i32.shl
                          (i32.and
                            (i32.xor (local.get 4) (i32.shr_u (local.get 4) (i32.const 8)))
                            (i32.const 255))
                          (i32.const 2))
                        (i32.const 0))
                      (local.get 4))
                    (br $4)))))))
        (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 19))
        (i64.store offset=4152 (; rdi ;) (i32.const 0) (local.get 7))
        (i32.store offset=4272 (; flags: op ;) (i32.const 0) (local.get 8))
        (i64.store offset=4280 (; flags: dst ;) (i32.const 0) (local.get 9))
        (i64.store offset=4288 (; flags: src ;) (i32.const 0) (local.get 10))
        (i32.store offset=4300 (; flags: previous ;) (i32.const 0) (local.get 12))
        (i64.store offset=4344 (; flags: stepped ;) (i32.const 0) (local.get 13))
        (local.set 18
          (i32.shl
            (i32.and (i32.xor (local.get 4) (i32.shr_u (local.get 4) (i32.const 12))) (i32.const 16383))
            (i32.const 3)))
        (if
          (i32.ne (i32.load offset=10489856 (; jump cache ;) (local.get 18)) (local.get 4))
          (then
            (return (local.get 4))))
        (return_call $transfer
          (local.get 4)
          (local.get 1)
          (i32.load offset=10489860 (; jump cache ;) (local.get 18)))))
    (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 19))
    (i64.store offset=4152 (; rdi ;) (i32.const 0) (local.get 7))
    (i32.store offset=4272 (; flags: op ;) (i32.const 0) (local.get 8))
    (i64.store offset=4280 (; flags: dst ;) (i32.const 0) (local.get 9))
    (i64.store offset=4288 (; flags: src ;) (i32.const 0) (local.get 10))
    (i32.store offset=4300 (; flags: previous ;) (i32.const 0) (local.get 12))
    (i64.store offset=4344 (; flags: stepped ;) (i32.const 0) (local.get 13))
    (i64.store offset=4248 (; rip ;) (i32.const 0) (i64.extend_i32_u (local.get 4)))
    (i32.store offset=5644 (; trap ;) (i32.const 0) (local.get 5))
    (return (i32.const 0)))
  (i64.store offset=4248 (; rip ;) (i32.const 0) (i64.extend_i32_u (local.get 4)))
  (i32.store offset=5644 (; trap ;) (i32.const 0) (local.get 5))
  (return (i32.const 0))
  (unreachable))
