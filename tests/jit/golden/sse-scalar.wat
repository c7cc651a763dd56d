;; movsd xmm0,[rdi]
;; mulsd xmm0,xmm1
;; addsd xmm0,[rdi+8]
;; cvttsd2si eax,xmm0
;; ret
(func $r10000 (param i32 i32) (result i32)
  (local i32 i32 i32 i32 i64 i64 v128 i64 i64 i32 f64 v128 f64 v128 v128 f64 f64 f64 i64 i64 i64)
  (local.set 3 (i32.sub (i32.load offset=5672 (; fuel ;) (i32.const 0)) (i32.const 1)))
  (i32.store offset=5672 (; fuel ;) (i32.const 0) (local.get 3))
  (local.set 2 (i32.sub (local.get 1) (i32.const 1)))
  (if
    (i32.lt_s (i32.or (local.get 3) (local.get 2)) (i32.const 0))
    (then
      (return (i32.const 65536))))
  (local.set 5 (i32.const 18))
  (local.set 6 (i64.load offset=4128 (; rsp ;) (i32.const 0)))
  (local.set 7 (i64.load offset=4152 (; rdi ;) (i32.const 0)))
  (local.set 8 (v128.load offset=4640 (; xmm1 ;) (i32.const 0)))
  (block $1
    (block $2
      (block $3
        (block
          (block
            (block $6
              (if
                (i32.load offset=4340 (; careful ;) (i32.const 0))
                (then
                  (local.set 4 (i32.const 65536))
                  (local.set 5 (i32.const 19))
                  (br $1)))
              (local.set 9 (local.get 7))
              (local.set 10 (local.get 9))
              (local.set 11 (i32.wrap_i64 (local.get 10)))
              (if
                (i32.wrap_i64 (i64.shr_u (local.get 10) (i64.const 32)))
                (then
                  (local.set 4 (i32.const 65536))
                  (br $1)))
              (if
                (i32.eqz
                  (i32.and
                    (i32.load8_u offset=1048576 (; page ;) (i32.shr_u (local.get 11) (i32.const 12)))
                    (i32.const 32)))
                (then
                  (if
                    (i32.eqz
                      (i32.and
                        (i32.and
                          (i32.load8_u offset=1048576 (; page ;) (i32.shr_u (local.get 11) (i32.const 12)))
                          (i32.load8_u offset=1048576 (; page ;)
                            (i32.shr_u (i32.add (local.get 11) (i32.const 15)) (i32.const 12))))
                        (i32.const 1)))
                    (then
                      (local.set 4 (i32.const 65536))
                      (br $1)))))
              (local.set 12 (f64.load offset=67108864 (; guest ;) (local.get 11)))
              (local.set 13
                (f64x2.replace_lane 0
                  (v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000)
                  (local.get 12)))
              (local.set 14 (local.get 12))
              (local.set 15 (local.get 13))
              (local.set 16 (local.get 8))
              (local.set 12 (f64x2.extract_lane 0 (local.get 16)))
              (local.set 17 (local.get 14))
              (local.set 18 (f64.mul (local.get 17) (local.get 12)))
              (local.set 19 (local.get 18))
              (local.set 13 (f64x2.replace_lane 0 (local.get 13) (local.get 19)))
              (local.set 14 (local.get 19))
              (local.set 10 (i64.add (local.get 7) (i64.const 8)))
              (local.set 9 (local.get 10))
              (local.set 11 (i32.wrap_i64 (local.get 9)))
              (local.set 19 (f64.load offset=67108864 (; guest ;) (local.get 11)))
              (local.set 18 (local.get 14))
              (local.set 17 (f64.add (local.get 18) (local.get 19)))
              (if
                (i32.eqz (f64.le (local.get 17) (local.get 17)))
                (then
                  (local.set 5 (i32.const 19))
                  (local.set 13 (local.get 15))
                  (local.set 4 (i32.const 65540))
                  (br $2)))
              (local.set 12 (local.get 17))
              (local.set 13 (f64x2.replace_lane 0 (local.get 13) (local.get 12)))
              (local.set 14 (local.get 12))
              (local.set 12 (local.get 14))
              (local.set 17 (local.get 12))
              (local.set 9
                (i64.extend_i32_s
                  (select
                    (i32.trunc_sat_f64_s (local.get 17))
                    (i32.const -2147483648)
                    (f64.lt (local.get 17) (f64.const 2147483648)))))
              (local.set 20 (i64.extend_i32_u (i32.wrap_i64 (local.get 9))))
              (local.set 9 (local.get 6))
              (local.set 10 (local.get 9))
              (local.set 11 (i32.wrap_i64 (local.get 10)))
              (if
                (i32.wrap_i64 (i64.shr_u (local.get 10) (i64.const 32)))
                (then
                  (local.set 4 (i32.const 65553))
                  (br $3)))
              (if
                (i32.eqz
                  (i32.and
                    (i32.load8_u offset=1048576 (; page ;) (i32.shr_u (local.get 11) (i32.const 12)))
                    (i32.const 32)))
                (then
                  (if
                    (i32.eqz
                      (i32.and
                        (i32.and
                          (i32.load8_u offset=1048576 (; page ;) (i32.shr_u (local.get 11) (i32.const 12)))
                          (i32.load8_u offset=1048576 (; page ;)
                            (i32.shr_u (i32.add (local.get 11) (i32.const 7)) (i32.const 12))))
                        (i32.const 1)))
                    (then
                      (local.set 4 (i32.const 65553))
                      (br $3)))))
              (local.set 21 (i64.load offset=67108864 (; guest ;) (local.get 11)))
              (if
                (i64.ge_u (i64.sub (local.get 21) (i64.const 1)) (i64.const 4294967295))
                (then
                  (local.set 4 (i32.const 65553))
                  (br $3)))
              (local.set 22 (local.get 6))
              (local.set 6 (i64.add (local.get 22) (i64.const 8)))
              (local.set 4 (i32.wrap_i64 (local.get 21)))
              (br $6))
            (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 20))
            (i64.store offset=4128 (; rsp ;) (i32.const 0) (local.get 6))
            (v128.store offset=4608 (; xmm0 ;) (i32.const 0) (local.get 13))
            (return (local.get 4)))))
      (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 20))
      (v128.store offset=4608 (; xmm0 ;) (i32.const 0) (local.get 13))
      (i64.store offset=4248 (; rip ;) (i32.const 0) (i64.extend_i32_u (local.get 4)))
      (i32.store offset=5644 (; trap ;) (i32.const 0) (local.get 5))
      (return (i32.const 0)))
    (v128.store offset=4608 (; xmm0 ;) (i32.const 0) (local.get 13))
    (i64.store offset=4248 (; rip ;) (i32.const 0) (i64.extend_i32_u (local.get 4)))
    (i32.store offset=5644 (; trap ;) (i32.const 0) (local.get 5))
    (return (i32.const 0)))
  (i64.store offset=4248 (; rip ;) (i32.const 0) (i64.extend_i32_u (local.get 4)))
  (i32.store offset=5644 (; trap ;) (i32.const 0) (local.get 5))
  (return (i32.const 0))
  (unreachable))
