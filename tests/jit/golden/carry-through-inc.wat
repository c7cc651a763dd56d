;; l: mov rax,[rsi+rcx*8]
;; adc [rdi+rcx*8],rax
;; inc rcx
;; dec rdx
;; jnz l
;; ret
(func $r10000 (param i32 i32) (result i32)
  (local i32 i32 i32 i32 i64 i64 i64 i64 i64 i64 i32 i64 i64 i32 i32 i64 i64 i32 i32 i64 i64 i32 i64 i64 i32 i32 i32 i64 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i64)
  (local.set 3 (i32.sub (i32.load offset=5672 (; fuel ;) (i32.const 0)) (i32.const 1)))
  (i32.store offset=5672 (; fuel ;) (i32.const 0) (local.get 3))
  (local.set 2 (i32.sub (local.get 1) (i32.const 1)))
  (if
    (i32.lt_s (i32.or (local.get 3) (local.get 2)) (i32.const 0))
    (then
      (return (i32.const 65536))))
  (local.set 5 (i32.const 18))
  (local.set 6 (i64.load offset=4096 (; rax ;) (i32.const 0)))
  (local.set 7 (i64.load offset=4104 (; rcx ;) (i32.const 0)))
  (local.set 8 (i64.load offset=4112 (; rdx ;) (i32.const 0)))
  (local.set 9 (i64.load offset=4128 (; rsp ;) (i32.const 0)))
  (local.set 10 (i64.load offset=4144 (; rsi ;) (i32.const 0)))
  (local.set 11 (i64.load offset=4152 (; rdi ;) (i32.const 0)))
  (local.set 12 (i32.load offset=4272 (; flags: op ;) (i32.const 0)))
  (local.set 13 (i64.load offset=4280 (; flags: dst ;) (i32.const 0)))
  (local.set 14 (i64.load offset=4288 (; flags: src ;) (i32.const 0)))
  (local.set 15 (i32.load offset=4296 (; flags: aux ;) (i32.const 0)))
  (local.set 16 (i32.load offset=4300 (; flags: previous ;) (i32.const 0)))
  (local.set 17 (i64.load offset=4344 (; flags: stepped ;) (i32.const 0)))
  (block
    (block $2
      (block
        (block
          (block
            (block $6
              (block
                (block
                  (block
                    (block
                      (block
                        (block
                          (block
                            (block $14
                              (block
                                (block
                                  (block
                                    (local.set 19 (local.get 3))
                                    (loop $18
                                      (block $19
                                        (local.set 21
                                          (i64.add (local.get 10) (i64.shl (local.get 7) (i64.const 3))))
                                        (local.set 22 (local.get 21))
                                        (local.set 23 (i32.wrap_i64 (local.get 22)))
                                        (if
                                          (i32.wrap_i64 (i64.shr_u (local.get 22) (i64.const 32)))
                                          (then
                                            (local.set 4 (i32.const 65536))
                                            (br $2)))
                                        (if
                                          (i32.eqz
                                            (i32.and
                                              (i32.load8_u offset=1048576 (; page ;)
                                                (i32.shr_u (local.get 23) (i32.const 12)))
                                              (i32.const 32)))
                                          (then
                                            (if
                                              (i32.eqz
                                                (i32.and
                                                  (i32.and
                                                    (i32.load8_u offset=1048576 (; page ;)
                                                      (i32.shr_u (local.get 23) (i32.const 12)))
                                                    (i32.load8_u offset=1048576 (; page ;)
                                                      (i32.shr_u
                                                        (i32.add (local.get 23) (i32.const 7))
                                                        (i32.const 12))))
                                                  (i32.const 1)))
                                              (then
                                                (local.set 4 (i32.const 65536))
                                                (br $2)))))
                                        (local.set 24 (i64.load offset=67108864 (; guest ;) (local.get 23)))
                                        (local.set 6 (local.get 24))
                                        (local.set 24
                                          (i64.add (local.get 11) (i64.shl (local.get 7) (i64.const 3))))
                                        (local.set 22 (local.get 24))
                                        (local.set 23 (i32.wrap_i64 (local.get 22)))
                                        (if
                                          (i32.wrap_i64 (i64.shr_u (local.get 22) (i64.const 32)))
                                          (then
                                            (local.set 4 (i32.const 65540))
                                            (br $2)))
                                        (if
                                          (i32.eqz
                                            (i32.and
                                              (i32.load8_u offset=1048576 (; page ;)
                                                (i32.shr_u (local.get 23) (i32.const 12)))
                                              (i32.const 64)))
                                          (then
                                            (if
                                              (i32.eqz
                                                (i32.and
                                                  (i32.and
                                                    (i32.load8_u offset=1048576 (; page ;)
                                                      (i32.shr_u (local.get 23) (i32.const 12)))
                                                    (i32.load8_u offset=1048576 (; page ;)
                                                      (i32.shr_u
                                                        (i32.add (local.get 23) (i32.const 7))
                                                        (i32.const 12))))
                                                  (i32.const 2)))
                                              (then
                                                (local.set 4 (i32.const 65540))
                                                (br $2)))))
                                        (local.set 21 (i64.load offset=67108864 (; guest ;) (local.get 23)))
                                        (local.set 25 (local.get 6))
                                        (i32.store offset=4272 (; flags: op ;) (i32.const 0) (local.get 12))
                                        (i64.store offset=4280 (; flags: dst ;) (i32.const 0) (local.get 13))
                                        (i64.store offset=4288 (; flags: src ;) (i32.const 0) (local.get 14))
                                        (i32.store offset=4296 (; flags: aux ;) (i32.const 0) (local.get 15))
                                        (i32.store offset=4300 (; flags: previous ;)
                                          (i32.const 0)
                                          (local.get 16))
                                        (i64.store offset=4344 (; flags: stepped ;)
                                          (i32.const 0)
                                          (local.get 17))
                                        (local.set 26 (call_indirect (type 2) (i32.const 656941699 (; flag_b ;))))
                                        (local.set 27 (local.get 26))
                                        (local.set 28 (local.get 27))
                                        (local.set 29
                                          (i64.add
                                            (i64.add (local.get 21) (local.get 25))
                                            (i64.extend_i32_u (local.get 28))))
                                        (i64.store offset=67108864 (; guest ;) (local.get 23) (local.get 29))
                                        (local.set 13 (local.get 29))
                                        (local.set 14 (local.get 25))
                                        (local.set 15 (local.get 28))
                                        (local.set 12 (i32.const 11))
                                        (local.set 29 (local.get 7))
                                        (local.set 25 (i64.add (local.get 29) (i64.const 1)))
                                        (local.set 7 (local.get 25))
                                        (local.set 16 (i32.const 11))
                                        (local.set 17 (local.get 25))
                                        (local.set 12 (i32.const 27))
                                        (local.set 25 (local.get 8))
                                        (local.set 29 (i64.sub (local.get 25) (i64.const 1)))
                                        (local.set 8 (local.get 29))
                                        (local.set 17 (local.get 29))
                                        (local.set 12 (i32.const 31))
                                        (local.set 28 (i32.eqz (i64.eqz (local.get 17))))
                                        (if
                                          (local.get 28)
                                          (then
                                            (local.set 3 (i32.sub (local.get 3) (i32.const 1)))
                                            (if
                                              (i32.lt_s (local.get 3) (i32.const 0))
                                              (then
                                                (local.set 4 (i32.const 65536))
                                                (br $6)))
                                            (if
                                              (i32.le_s (local.get 3) (i32.sub (local.get 19) (i32.const 12)))
                                              (then
                                                (block $22
                                                  (local.set 20 (i32.const -1))
                                                  (local.set 29
                                                    (i64.add
                                                      (local.get 10)
                                                      (i64.shl (local.get 7) (i64.const 3))))
                                                  (br_if $22
                                                    (i32.wrap_i64 (i64.shr_u (local.get 29) (i64.const 32))))
                                                  (local.set 27 (i32.wrap_i64 (local.get 29)))
                                                  (local.set 26
                                                    (i32.load8_u offset=1048576 (; page ;)
                                                      (i32.shr_u (local.get 27) (i32.const 12))))
                                                  (br_if $22 (i32.eqz (i32.and (local.get 26) (i32.const 1))))
                                                  (local.set 23 (i32.and (local.get 27) (i32.const 4095)))
                                                  (local.set 30
                                                    (i32.sub
                                                      (select
                                                        (i32.const 8184)
                                                        (i32.const 4088)
                                                        (i32.and (local.get 26) (i32.const 32)))
                                                      (local.get 23)))
                                                  (br_if $22 (i32.lt_s (local.get 30) (i32.const 0)))
                                                  (local.set 31
                                                    (i32.sub
                                                      (i32.sub (local.get 3) (i32.const 1))
                                                      (i32.div_u (local.get 30) (i32.const 8))))
                                                  (local.set 20
                                                    (select
                                                      (local.get 31)
                                                      (local.get 20)
                                                      (i32.gt_s (local.get 31) (local.get 20))))
                                                  (local.set 25
                                                    (i64.add
                                                      (local.get 11)
                                                      (i64.shl (local.get 7) (i64.const 3))))
                                                  (br_if $22
                                                    (i32.wrap_i64 (i64.shr_u (local.get 25) (i64.const 32))))
                                                  (local.set 32 (i32.wrap_i64 (local.get 25)))
                                                  (local.set 33
                                                    (i32.load8_u offset=1048576 (; page ;)
                                                      (i32.shr_u (local.get 32) (i32.const 12))))
                                                  (br_if $22 (i32.eqz (i32.and (local.get 33) (i32.const 2))))
                                                  (local.set 34 (i32.and (local.get 32) (i32.const 4095)))
                                                  (local.set 35
                                                    (i32.sub
                                                      (select
                                                        (i32.const 8184)
                                                        (i32.const 4088)
                                                        (i32.and (local.get 33) (i32.const 64)))
                                                      (local.get 34)))
                                                  (br_if $22 (i32.lt_s (local.get 35) (i32.const 0)))
                                                  (local.set 36
                                                    (i32.sub
                                                      (i32.sub (local.get 3) (i32.const 1))
                                                      (i32.div_u (local.get 35) (i32.const 8))))
                                                  (local.set 20
                                                    (select
                                                      (local.get 36)
                                                      (local.get 20)
                                                      (i32.gt_s (local.get 36) (local.get 20))))
                                                  (i32.store offset=5776 (i32.const 0) (local.get 20))
                                                  (local.set 20 (i32.load offset=5776 (i32.const 0)))
                                                  (loop $23
                                                    (local.set 21
                                                      (i64.add
                                                        (local.get 10)
                                                        (i64.shl (local.get 7) (i64.const 3))))
                                                    (local.set 22 (local.get 21))
                                                    (local.set 37 (i32.wrap_i64 (local.get 22)))
                                                    (local.set 24
                                                      (i64.load offset=67108864 (; guest ;) (local.get 37)))
                                                    (local.set 6 (local.get 24))
                                                    (local.set 24
                                                      (i64.add
                                                        (local.get 11)
                                                        (i64.shl (local.get 7) (i64.const 3))))
                                                    (local.set 22 (local.get 24))
                                                    (local.set 37 (i32.wrap_i64 (local.get 22)))
                                                    (local.set 21
                                                      (i64.load offset=67108864 (; guest ;) (local.get 37)))
                                                    (local.set 38 (local.get 6))
                                                    (i32.store offset=4272 (; flags: op ;)
                                                      (i32.const 0)
                                                      (local.get 12))
                                                    (i64.store offset=4280 (; flags: dst ;)
                                                      (i32.const 0)
                                                      (local.get 13))
                                                    (i64.store offset=4288 (; flags: src ;)
                                                      (i32.const 0)
                                                      (local.get 14))
                                                    (i32.store offset=4296 (; flags: aux ;)
                                                      (i32.const 0)
                                                      (local.get 15))
                                                    (i32.store offset=4300 (; flags: previous ;)
                                                      (i32.const 0)
                                                      (local.get 16))
                                                    (i64.store offset=4344 (; flags: stepped ;)
                                                      (i32.const 0)
                                                      (local.get 17))
                                                    (local.set 39
                                                      (call_indirect (type 2) (i32.const 656941699 (; flag_b ;))))
                                                    (local.set 40 (local.get 39))
                                                    (local.set 41 (local.get 40))
                                                    (local.set 42
                                                      (i64.add
                                                        (i64.add (local.get 21) (local.get 38))
                                                        (i64.extend_i32_u (local.get 41))))
                                                    (i64.store offset=67108864 (; guest ;)
                                                      (local.get 37)
                                                      (local.get 42))
                                                    (local.set 13 (local.get 42))
                                                    (local.set 14 (local.get 38))
                                                    (local.set 15 (local.get 41))
                                                    (local.set 12 (i32.const 11))
                                                    (local.set 42 (local.get 7))
                                                    (local.set 38 (i64.add (local.get 42) (i64.const 1)))
                                                    (local.set 7 (local.get 38))
                                                    (local.set 16 (i32.const 11))
                                                    (local.set 17 (local.get 38))
                                                    (local.set 12 (i32.const 27))
                                                    (local.set 38 (local.get 8))
                                                    (local.set 42 (i64.sub (local.get 38) (i64.const 1)))
                                                    (local.set 8 (local.get 42))
                                                    (local.set 17 (local.get 42))
                                                    (local.set 12 (i32.const 31))
                                                    (local.set 41 (i32.eqz (i64.eqz (local.get 17))))
                                                    (if
                                                      (local.get 41)
                                                      (then
                                                        (local.set 3 (i32.sub (local.get 3) (i32.const 1)))
                                                        (br_if $23 (i32.gt_s (local.get 3) (local.get 20)))
                                                        (if
                                                          (i32.lt_s (local.get 3) (i32.const 0))
                                                          (then
                                                            (local.set 4 (i32.const 65536))
                                                            (br $6)))
                                                        (br $18)))
                                                    (br $19)))))
                                            (br $18)))
                                        (br $19))
                                      (local.set 25 (local.get 9))
                                      (local.set 29 (local.get 25))
                                      (local.set 36 (i32.wrap_i64 (local.get 29)))
                                      (if
                                        (i32.wrap_i64 (i64.shr_u (local.get 29) (i64.const 32)))
                                        (then
                                          (local.set 4 (i32.const 65552))
                                          (br $2)))
                                      (if
                                        (i32.eqz
                                          (i32.and
                                            (i32.load8_u offset=1048576 (; page ;)
                                              (i32.shr_u (local.get 36) (i32.const 12)))
                                            (i32.const 32)))
                                        (then
                                          (if
                                            (i32.eqz
                                              (i32.and
                                                (i32.and
                                                  (i32.load8_u offset=1048576 (; page ;)
                                                    (i32.shr_u (local.get 36) (i32.const 12)))
                                                  (i32.load8_u offset=1048576 (; page ;)
                                                    (i32.shr_u
                                                      (i32.add (local.get 36) (i32.const 7))
                                                      (i32.const 12))))
                                                (i32.const 1)))
                                            (then
                                              (local.set 4 (i32.const 65552))
                                              (br $2)))))
                                      (local.set 42 (i64.load offset=67108864 (; guest ;) (local.get 36)))
                                      (if
                                        (i64.ge_u
                                          (i64.sub (local.get 42) (i64.const 1))
                                          (i64.const 4294967295))
                                        (then
                                          (local.set 4 (i32.const 65552))
                                          (br $2)))
                                      (local.set 38 (local.get 9))
                                      (local.set 9 (i64.add (local.get 38) (i64.const 8)))
                                      (local.set 4 (i32.wrap_i64 (local.get 42)))
                                      (br $14))))))
                            (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 6))
                            (i64.store offset=4104 (; rcx ;) (i32.const 0) (local.get 7))
                            (i64.store offset=4112 (; rdx ;) (i32.const 0) (local.get 8))
                            (i64.store offset=4128 (; rsp ;) (i32.const 0) (local.get 9))
                            (i32.store offset=4272 (; flags: op ;) (i32.const 0) (local.get 12))
                            (i64.store offset=4280 (; flags: dst ;) (i32.const 0) (local.get 13))
                            (i64.store offset=4288 (; flags: src ;) (i32.const 0) (local.get 14))
                            (i32.store offset=4296 (; flags: aux ;) (i32.const 0) (local.get 15))
                            (i32.store offset=4300 (; flags: previous ;) (i32.const 0) (local.get 16))
                            (i64.store offset=4344 (; flags: stepped ;) (i32.const 0) (local.get 17))
                            (i32.store offset=5672 (; fuel ;) (i32.const 0) (local.get 3))
                            (return (local.get 4))))))))))
            (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 6))
            (i64.store offset=4104 (; rcx ;) (i32.const 0) (local.get 7))
            (i64.store offset=4112 (; rdx ;) (i32.const 0) (local.get 8))
            (i32.store offset=4272 (; flags: op ;) (i32.const 0) (local.get 12))
            (i64.store offset=4280 (; flags: dst ;) (i32.const 0) (local.get 13))
            (i64.store offset=4288 (; flags: src ;) (i32.const 0) (local.get 14))
            (i32.store offset=4296 (; flags: aux ;) (i32.const 0) (local.get 15))
            (i32.store offset=4300 (; flags: previous ;) (i32.const 0) (local.get 16))
            (i64.store offset=4344 (; flags: stepped ;) (i32.const 0) (local.get 17))
            (i32.store offset=5672 (; fuel ;) (i32.const 0) (local.get 3))
            (return (local.get 4))))))
    (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 6))
    (i64.store offset=4104 (; rcx ;) (i32.const 0) (local.get 7))
    (i64.store offset=4112 (; rdx ;) (i32.const 0) (local.get 8))
    (i32.store offset=4272 (; flags: op ;) (i32.const 0) (local.get 12))
    (i64.store offset=4280 (; flags: dst ;) (i32.const 0) (local.get 13))
    (i64.store offset=4288 (; flags: src ;) (i32.const 0) (local.get 14))
    (i32.store offset=4296 (; flags: aux ;) (i32.const 0) (local.get 15))
    (i32.store offset=4300 (; flags: previous ;) (i32.const 0) (local.get 16))
    (i64.store offset=4344 (; flags: stepped ;) (i32.const 0) (local.get 17))
    (i32.store offset=5672 (; fuel ;) (i32.const 0) (local.get 3))
    (i64.store offset=4248 (; rip ;) (i32.const 0) (i64.extend_i32_u (local.get 4)))
    (i32.store offset=5644 (; trap ;) (i32.const 0) (local.get 5))
    (return (i32.const 0)))
  (unreachable))
