;; test edi,edi
;; jz m
;; cmp edi,5
;; m: setl al
;; ret
(func $r10000 (param i32 i32) (result i32)
  (local i32 i32 i32 i32 i64 i64 i64 i32 i32 i32 i32 i64 i64 i32 i32 i64 i64 i64 i64 i64 i64)
  (local.set 3 (i32.sub (i32.load offset=5672 (; fuel ;) (i32.const 0)) (i32.const 1)))
  (i32.store offset=5672 (; fuel ;) (i32.const 0) (local.get 3))
  (local.set 2 (i32.sub (local.get 1) (i32.const 1)))
  (if
    (i32.lt_s (i32.or (local.get 3) (local.get 2)) (i32.const 0))
    (then
      (return (i32.const 65536))))
  (local.set 5 (i32.const 18))
  (local.set 6 (i64.load offset=4096 (; rax ;) (i32.const 0)))
  (local.set 7 (i64.load offset=4128 (; rsp ;) (i32.const 0)))
  (local.set 8 (i64.load offset=4152 (; rdi ;) (i32.const 0)))
  (block
    (block
      (block
        (block
          (block
            (block
              (block $7
                (block
                  (block
                    (block $10
                      (block
                        (block
                          (block $13
                            (local.set 9 (i32.wrap_i64 (local.get 8)))
                            (local.set 10 (i32.wrap_i64 (local.get 8)))
                            (local.set 11 (i32.and (local.get 9) (local.get 10)))
                            (local.set 13 (i64.extend_i32_u (local.get 11)))
                            (local.set 12 (i32.const 22))
                            (local.set 11 (i32.eqz (i32.wrap_i64 (local.get 13))))
                            (if
                              (local.get 11)
                              (then
                                (br $13)))
                            (local.set 11 (i32.wrap_i64 (local.get 8)))
                            (local.set 10 (i32.sub (local.get 11) (i32.const 5)))
                            (local.set 13 (i64.extend_i32_u (local.get 10)))
                            (local.set 14 (i64.const 5))
                            (local.set 18 (i64.extend_i32_u (local.get 11)))
                            (local.set 12 (i32.const 14))
                            (br $13))
                          (i32.store offset=4272 (; flags: op ;) (i32.const 0) (local.get 12))
                          (i64.store offset=4280 (; flags: dst ;) (i32.const 0) (local.get 13))
                          (i64.store offset=4288 (; flags: src ;) (i32.const 0) (local.get 14))
                          (local.set 10 (call_indirect (type 2) (i32.const 631775271 (; flag_l ;))))
                          (local.set 11 (local.get 10))
                          (local.set 6
                            (i64.or
                              (i64.and (local.get 6) (i64.const -256))
                              (i64.extend_i32_u (i32.and (local.get 11) (i32.const 255)))))
                          (local.set 19 (local.get 7))
                          (local.set 20 (local.get 19))
                          (local.set 11 (i32.wrap_i64 (local.get 20)))
                          (if
                            (i32.wrap_i64 (i64.shr_u (local.get 20) (i64.const 32)))
                            (then
                              (local.set 4 (i32.const 65546))
                              (br $7)))
                          (if
                            (i32.eqz
                              (i32.and
                                (i32.load8_u offset=1048576 (; page ;)
                                  (i32.shr_u (local.get 11) (i32.const 12)))
                                (i32.const 32)))
                            (then
                              (if
                                (i32.eqz
                                  (i32.and
                                    (i32.and
                                      (i32.load8_u offset=1048576 (; page ;)
                                        (i32.shr_u (local.get 11) (i32.const 12)))
                                      (i32.load8_u offset=1048576 (; page ;)
                                        (i32.shr_u (i32.add (local.get 11) (i32.const 7)) (i32.const 12))))
                                    (i32.const 1)))
                                (then
                                  (local.set 4 (i32.const 65546))
                                  (br $7)))))
                          (local.set 21 (i64.load offset=67108864 (; guest ;) (local.get 11)))
                          (if
                            (i64.ge_u (i64.sub (local.get 21) (i64.const 1)) (i64.const 4294967295))
                            (then
                              (local.set 4 (i32.const 65546))
                              (br $7)))
                          (local.set 22 (local.get 7))
                          (local.set 7 (i64.add (local.get 22) (i64.const 8)))
                          (local.set 4 (i32.wrap_i64 (local.get 21)))
                          (br $10))))
                    (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 6))
                    (i64.store offset=4128 (; rsp ;) (i32.const 0) (local.get 7))
                    (i32.store offset=4272 (; flags: op ;) (i32.const 0) (local.get 12))
                    (i64.store offset=4280 (; flags: dst ;) (i32.const 0) (local.get 13))
                    (i64.store offset=4288 (; flags: src ;) (i32.const 0) (local.get 14))
                    (return (local.get 4)))))
              (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 6))
              (i32.store offset=4272 (; flags: op ;) (i32.const 0) (local.get 12))
              (i64.store offset=4280 (; flags: dst ;) (i32.const 0) (local.get 13))
              (i64.store offset=4288 (; flags: src ;) (i32.const 0) (local.get 14))
              (i64.store offset=4248 (; rip ;) (i32.const 0) (i64.extend_i32_u (local.get 4)))
              (i32.store offset=5644 (; trap ;) (i32.const 0) (local.get 5))
              (return (i32.const 0))))))))
  (unreachable))
