;; rep movsq
;; ret
(func $r10000 (param i32 i32) (result i32)
  (local i32 i32 i32 i32 i64 i64 i64 i64 i32 i32 i64 i64 i64 i64 i64 i64 i32 i64 i64 i32 i32 i32 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i32 i64 i64 i32 i64 i64 i64 i64 i64 i32 i64 i64 i32 i64 i64 i64)
  (local.set 3 (i32.sub (i32.load offset=5672 (; fuel ;) (i32.const 0)) (i32.const 1)))
  (i32.store offset=5672 (; fuel ;) (i32.const 0) (local.get 3))
  (local.set 2 (i32.sub (local.get 1) (i32.const 1)))
  (if
    (i32.lt_s (i32.or (local.get 3) (local.get 2)) (i32.const 0))
    (then
      (return (i32.const 65536))))
  (local.set 5 (i32.const 18))
  (local.set 6 (i64.load offset=4104 (; rcx ;) (i32.const 0)))
  (local.set 7 (i64.load offset=4128 (; rsp ;) (i32.const 0)))
  (local.set 8 (i64.load offset=4144 (; rsi ;) (i32.const 0)))
  (local.set 9 (i64.load offset=4152 (; rdi ;) (i32.const 0)))
  (block
    (block $2
      (block
        (block
          (block $5
            (local.set 10 (i32.load offset=4276 (; flags: rest ;) (i32.const 0)))
            (local.set 11 (i32.and (local.get 10) (i32.const 1024)))
            (if
              (local.get 11)
              (then
                (local.set 5 (i32.const 19))
                (local.set 4 (i32.const 65536))
                (br $2)))
            (block $6
              (local.set 12 (local.get 6))
              (br_if $6 (i64.eqz (local.get 12)))
              (local.set 13 (local.get 8))
              (local.set 14 (local.get 9))
              (if
                (i32.and
                  (i32.and (i64.lt_u (local.get 12) (i64.const 17)) (i32.const 1))
                  (i32.and
                    (i64.le_u
                      (i64.add
                        (i64.and (local.get 13) (i64.const 4095))
                        (i64.mul (local.get 12) (i64.const 8)))
                      (i64.const 4096))
                    (i64.le_u
                      (i64.add
                        (i64.and (local.get 14) (i64.const 4095))
                        (i64.mul (local.get 12) (i64.const 8)))
                      (i64.const 4096))))
                (then
                  (local.set 15 (i64.mul (local.get 12) (i64.const 8)))
                  (local.set 16 (local.get 8))
                  (local.set 17 (local.get 16))
                  (local.set 18 (i32.wrap_i64 (local.get 17)))
                  (if
                    (i32.wrap_i64 (i64.shr_u (local.get 17) (i64.const 32)))
                    (then
                      (local.set 4 (i32.const 65536))
                      (br $2)))
                  (if
                    (i32.eqz
                      (i32.and
                        (i32.load8_u offset=1048576 (; page ;) (i32.shr_u (local.get 18) (i32.const 12)))
                        (i32.const 1)))
                    (then
                      (local.set 4 (i32.const 65536))
                      (br $2)))
                  (local.set 19 (local.get 9))
                  (local.set 20 (local.get 19))
                  (local.set 21 (i32.wrap_i64 (local.get 20)))
                  (if
                    (i32.wrap_i64 (i64.shr_u (local.get 20) (i64.const 32)))
                    (then
                      (local.set 4 (i32.const 65536))
                      (br $2)))
                  (if
                    (i32.eqz
                      (i32.and
                        (i32.load8_u offset=1048576 (; page ;) (i32.shr_u (local.get 21) (i32.const 12)))
                        (i32.const 2)))
                    (then
                      (local.set 4 (i32.const 65536))
                      (br $2)))
                  (local.set 23 (i32.wrap_i64 (local.get 15)))
                  (local.set 22 (i32.const 0))
                  (loop $8
                    (i64.store offset=67108864 (; guest ;)
                      (i32.add (local.get 21) (local.get 22))
                      (i64.load offset=67108864 (; guest ;) (i32.add (local.get 18) (local.get 22))))
                    (local.set 22 (i32.add (local.get 22) (i32.const 8)))
                    (br_if $8 (i32.lt_u (local.get 22) (local.get 23))))
                  (local.set 24 (local.get 8))
                  (local.set 8 (i64.add (local.get 24) (local.get 15)))
                  (local.set 25 (local.get 9))
                  (local.set 9 (i64.add (local.get 25) (local.get 15)))
                  (local.set 26 (local.get 6))
                  (local.set 6 (i64.add (local.get 26) (i64.sub (i64.const 0) (local.get 12))))
                  (br $6)))
              (loop $7
                (local.set 27 (local.get 6))
                (br_if $6 (i64.eqz (local.get 27)))
                (local.set 28 (local.get 8))
                (local.set 29 (local.get 9))
                (local.set 30
                  (i64.shr_u
                    (i64.sub (i64.const 4096) (i64.and (local.get 28) (i64.const 4095)))
                    (i64.const 3)))
                (local.set 31
                  (i64.shr_u
                    (i64.sub (i64.const 4096) (i64.and (local.get 29) (i64.const 4095)))
                    (i64.const 3)))
                (local.set 32 (select (local.get 30) (local.get 31) (i64.lt_u (local.get 30) (local.get 31))))
                (local.set 33 (i64.sub (local.get 29) (local.get 28)))
                (local.set 34 (local.get 32))
                (local.set 35 (i64.shr_u (local.get 33) (i64.const 3)))
                (local.set 36 (select (local.get 34) (local.get 35) (i64.lt_u (local.get 34) (local.get 35))))
                (local.set 37 (local.get 27))
                (local.set 38 (select (local.get 32) (local.get 36) (i64.eqz (local.get 33))))
                (local.set 39 (select (local.get 37) (local.get 38) (i64.lt_u (local.get 37) (local.get 38))))
                (if
                  (i32.and (i32.const 1) (i64.ne (local.get 39) (i64.const 0)))
                  (then
                    (local.set 40 (i64.mul (local.get 39) (i64.const 8)))
                    (local.set 41 (local.get 8))
                    (local.set 42 (local.get 41))
                    (local.set 43 (i32.wrap_i64 (local.get 42)))
                    (if
                      (i32.wrap_i64 (i64.shr_u (local.get 42) (i64.const 32)))
                      (then
                        (local.set 4 (i32.const 65536))
                        (br $2)))
                    (if
                      (i32.eqz
                        (i32.and
                          (i32.load8_u offset=1048576 (; page ;) (i32.shr_u (local.get 43) (i32.const 12)))
                          (i32.const 1)))
                      (then
                        (local.set 4 (i32.const 65536))
                        (br $2)))
                    (local.set 44 (local.get 9))
                    (local.set 45 (local.get 44))
                    (local.set 46 (i32.wrap_i64 (local.get 45)))
                    (if
                      (i32.wrap_i64 (i64.shr_u (local.get 45) (i64.const 32)))
                      (then
                        (local.set 4 (i32.const 65536))
                        (br $2)))
                    (if
                      (i32.eqz
                        (i32.and
                          (i32.load8_u offset=1048576 (; page ;) (i32.shr_u (local.get 46) (i32.const 12)))
                          (i32.const 2)))
                      (then
                        (local.set 4 (i32.const 65536))
                        (br $2)))
                    (memory.copy
                      (i32.add (local.get 46) (i32.const 67108864))
                      (i32.add (local.get 43) (i32.const 67108864))
                      (i32.wrap_i64 (local.get 40)))
                    (local.set 47 (local.get 8))
                    (local.set 8 (i64.add (local.get 47) (local.get 40)))
                    (local.set 48 (local.get 9))
                    (local.set 9 (i64.add (local.get 48) (local.get 40)))
                    (local.set 49 (local.get 6))
                    (local.set 6 (i64.add (local.get 49) (i64.sub (i64.const 0) (local.get 39)))))
                  (else
                    (local.set 50 (local.get 8))
                    (local.set 51 (local.get 50))
                    (local.set 52 (i32.wrap_i64 (local.get 51)))
                    (if
                      (i32.wrap_i64 (i64.shr_u (local.get 51) (i64.const 32)))
                      (then
                        (local.set 4 (i32.const 65536))
                        (br $2)))
                    (if
                      (i32.eqz
                        (i32.and
                          (i32.load8_u offset=1048576 (; page ;) (i32.shr_u (local.get 52) (i32.const 12)))
                          (i32.const 32)))
                      (then
                        (if
                          (i32.eqz
                            (i32.and
                              (i32.and
                                (i32.load8_u offset=1048576 (; page ;)
                                  (i32.shr_u (local.get 52) (i32.const 12)))
                                (i32.load8_u offset=1048576 (; page ;)
                                  (i32.shr_u (i32.add (local.get 52) (i32.const 7)) (i32.const 12))))
                              (i32.const 1)))
                          (then
                            (local.set 4 (i32.const 65536))
                            (br $2)))))
                    (local.set 53 (local.get 9))
                    (local.set 54 (local.get 53))
                    (local.set 55 (i32.wrap_i64 (local.get 54)))
                    (if
                      (i32.wrap_i64 (i64.shr_u (local.get 54) (i64.const 32)))
                      (then
                        (local.set 4 (i32.const 65536))
                        (br $2)))
                    (if
                      (i32.eqz
                        (i32.and
                          (i32.load8_u offset=1048576 (; page ;) (i32.shr_u (local.get 55) (i32.const 12)))
                          (i32.const 64)))
                      (then
                        (if
                          (i32.eqz
                            (i32.and
                              (i32.and
                                (i32.load8_u offset=1048576 (; page ;)
                                  (i32.shr_u (local.get 55) (i32.const 12)))
                                (i32.load8_u offset=1048576 (; page ;)
                                  (i32.shr_u (i32.add (local.get 55) (i32.const 7)) (i32.const 12))))
                              (i32.const 2)))
                          (then
                            (local.set 4 (i32.const 65536))
                            (br $2)))))
                    (i64.store offset=67108864 (; guest ;)
                      (local.get 55)
                      (i64.load offset=67108864 (; guest ;) (local.get 52)))
                    (local.set 56 (local.get 8))
                    (local.set 8 (i64.add (local.get 56) (i64.const 8)))
                    (local.set 57 (local.get 9))
                    (local.set 9 (i64.add (local.get 57) (i64.const 8)))
                    (local.set 58 (local.get 6))
                    (local.set 6 (i64.add (local.get 58) (i64.const -1)))))
                (br $7)))
            (local.set 58 (local.get 7))
            (local.set 57 (local.get 58))
            (local.set 55 (i32.wrap_i64 (local.get 57)))
            (if
              (i32.wrap_i64 (i64.shr_u (local.get 57) (i64.const 32)))
              (then
                (local.set 4 (i32.const 65539))
                (br $2)))
            (if
              (i32.eqz
                (i32.and
                  (i32.load8_u offset=1048576 (; page ;) (i32.shr_u (local.get 55) (i32.const 12)))
                  (i32.const 32)))
              (then
                (if
                  (i32.eqz
                    (i32.and
                      (i32.and
                        (i32.load8_u offset=1048576 (; page ;) (i32.shr_u (local.get 55) (i32.const 12)))
                        (i32.load8_u offset=1048576 (; page ;)
                          (i32.shr_u (i32.add (local.get 55) (i32.const 7)) (i32.const 12))))
                      (i32.const 1)))
                  (then
                    (local.set 4 (i32.const 65539))
                    (br $2)))))
            (local.set 56 (i64.load offset=67108864 (; guest ;) (local.get 55)))
            (if
              (i64.ge_u (i64.sub (local.get 56) (i64.const 1)) (i64.const 4294967295))
              (then
                (local.set 4 (i32.const 65539))
                (br $2)))
            (local.set 54 (local.get 7))
            (local.set 7 (i64.add (local.get 54) (i64.const 8)))
            (local.set 4 (i32.wrap_i64 (local.get 56)))
            (br $5))
          (i64.store offset=4104 (; rcx ;) (i32.const 0) (local.get 6))
          (i64.store offset=4128 (; rsp ;) (i32.const 0) (local.get 7))
          (i64.store offset=4144 (; rsi ;) (i32.const 0) (local.get 8))
          (i64.store offset=4152 (; rdi ;) (i32.const 0) (local.get 9))
          (return (local.get 4)))))
    (i64.store offset=4104 (; rcx ;) (i32.const 0) (local.get 6))
    (i64.store offset=4144 (; rsi ;) (i32.const 0) (local.get 8))
    (i64.store offset=4152 (; rdi ;) (i32.const 0) (local.get 9))
    (i64.store offset=4248 (; rip ;) (i32.const 0) (i64.extend_i32_u (local.get 4)))
    (i32.store offset=5644 (; trap ;) (i32.const 0) (local.get 5))
    (return (i32.const 0)))
  (unreachable))
