;; push rbx
;; mov ebx,edi
;; mov eax,f
;; call rax
;; add eax,ebx
;; pop rbx
;; ret
;; f: lea eax,[rdi+1]
;; ret
(func $r10000 (param i32 i32) (result i32)
  (local i32 i32 i32 i32 i64 i64 i64 i64 i32 i64 i64 i64 i64 i32 i64 i64 i64 i32 i64 i64 i32 i32 i32 i32 i64 i64 i32 i32 i64 i64)
  (local.set 3 (i32.sub (i32.load offset=5672 (; fuel ;) (i32.const 0)) (i32.const 1)))
  (i32.store offset=5672 (; fuel ;) (i32.const 0) (local.get 3))
  (local.set 2 (i32.sub (local.get 1) (i32.const 1)))
  (if
    (i32.lt_s (i32.or (local.get 3) (local.get 2)) (i32.const 0))
    (then
      (return (i32.const 65536))))
  (local.set 5 (i32.const 18))
  (local.set 6 (i64.load offset=4120 (; rbx ;) (i32.const 0)))
  (local.set 7 (i64.load offset=4128 (; rsp ;) (i32.const 0)))
  (local.set 8 (i64.load offset=4152 (; rdi ;) (i32.const 0)))
  (block $1
    (block $2
      (block $3
        (block
          (block $5
            (block
              (block $7
                (block
                  (block
                    (local.set 9 (i64.add (local.get 7) (i64.const -16)))
                    (if
                      (i64.ge_u
                        (i64.sub (local.get 9) (i64.load offset=8176 (i32.const 0)))
                        (i64.load offset=8184 (i32.const 0)))
                      (then
                        (local.set 10 (i32.shr_u (i32.wrap_i64 (local.get 9)) (i32.const 12)))
                        (if
                          (i32.or
                            (i32.eqz
                              (i32.and
                                (i32.and
                                  (i32.load8_u offset=1048576 (; page ;) (local.get 10))
                                  (i32.load8_u offset=1048576 (; page ;)
                                    (i32.shr_u
                                      (i32.add (i32.wrap_i64 (local.get 7)) (i32.const 7))
                                      (i32.const 12))))
                                (i32.const 2)))
                            (i32.wrap_i64 (i64.shr_u (local.get 7) (i64.const 32))))
                          (then
                            (local.set 4 (i32.const 65536))
                            (br $1)))
                        (if
                          (i32.eq
                            (i32.and (i32.load offset=1048576 (; page ;) (local.get 10)) (i32.const 33686018))
                            (i32.const 33686018))
                          (then
                            (i64.store offset=8176 (i32.const 0) (i64.and (local.get 9) (i64.const -4096)))
                            (i64.store offset=8184 (i32.const 0) (i64.const 12288))))))
                    (block $10
                      (local.set 11 (local.get 6))
                      (local.set 12 (local.get 7))
                      (local.set 13 (i64.sub (local.get 12) (i64.const 8)))
                      (local.set 14 (local.get 13))
                      (local.set 15 (i32.wrap_i64 (local.get 14)))
                      (i64.store offset=67108864 (; guest ;) (local.get 15) (local.get 11))
                      (local.set 7 (local.get 13))
                      (local.set 15 (i32.wrap_i64 (local.get 8)))
                      (local.set 6 (i64.extend_i32_u (local.get 15)))
                      (local.set 16 (i64.const 65550))
                      (local.set 14 (local.get 16))
                      (if
                        (i64.ge_u (i64.sub (local.get 14) (i64.const 1)) (i64.const 4294967295))
                        (then
                          (local.set 4 (i32.const 65544))
                          (br $2)))
                      (local.set 13 (local.get 7))
                      (local.set 12 (i64.sub (local.get 13) (i64.const 8)))
                      (local.set 11 (local.get 12))
                      (local.set 15 (i32.wrap_i64 (local.get 11)))
                      (i64.store offset=67108864 (; guest ;) (local.get 15) (i64.const 65546))
                      (local.set 7 (local.get 12))
                      (local.set 4 (i32.wrap_i64 (local.get 14)))
                      (if
                        (i32.eq (local.get 4) (i32.const 65550))
                        (then
                          (local.set 17 (i64.add (local.get 8) (i64.const 1)))
                          (local.set 16 (i64.extend_i32_u (i32.wrap_i64 (local.get 17))))
                          (local.set 17 (local.get 7))
                          (local.set 18 (local.get 17))
                          (local.set 19 (i32.wrap_i64 (local.get 18)))
                          (local.set 20 (i64.load offset=67108864 (; guest ;) (local.get 19)))
                          (if
                            (i64.ge_u (i64.sub (local.get 20) (i64.const 1)) (i64.const 4294967295))
                            (then
                              (local.set 4 (i32.const 65553))
                              (br $2)))
                          (local.set 21 (local.get 7))
                          (local.set 7 (i64.add (local.get 21) (i64.const 8)))
                          (local.set 4 (i32.wrap_i64 (local.get 20)))
                          (if
                            (i32.ne (local.get 4) (i32.const 65546))
                            (then
                              (br $3)))
                          (br $10)))
                      (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 16))
                      (i64.store offset=4120 (; rbx ;) (i32.const 0) (local.get 6))
                      (i64.store offset=4128 (; rsp ;) (i32.const 0) (local.get 7))
                      (local.set 21 (local.get 7))
                      (local.set 22
                        (i32.shl
                          (i32.and
                            (i32.xor (local.get 4) (i32.shr_u (local.get 4) (i32.const 12)))
                            (i32.const 16383))
                          (i32.const 3)))
                      (local.set 19
                        (call $transfer
                          (local.get 4)
                          (local.get 2)
                          (select
                            (i32.load offset=10489860 (; jump cache ;) (local.get 22))
                            (i32.const 490451238 (; region_stub ;))
                            (i32.eq (i32.load offset=10489856 (; jump cache ;) (local.get 22)) (local.get 4)))))
                      (local.set 23 (local.get 19))
                      (if
                        (i32.ne (local.get 23) (i32.const 65546))
                        (then
                          (local.set 24 (call $follow (local.get 23) (i32.const 65546) (local.get 2)))
                          (if
                            (i32.ne (local.get 24) (i32.const 65546))
                            (then
                              (return (local.get 24))))))
                      (local.set 16 (i64.load offset=4096 (; rax ;) (i32.const 0)))
                      (local.set 6 (i64.load offset=4120 (; rbx ;) (i32.const 0)))
                      (local.set 7 (i64.load offset=4128 (; rsp ;) (i32.const 0)))
                      (if
                        (i64.ne (local.get 7) (i64.add (local.get 21) (i64.const 8)))
                        (then
                          (return (i32.const 65546))))
                      (local.set 7 (i64.add (local.get 21) (i64.const 8)))
                      (br $10))
                    (local.set 24 (i32.wrap_i64 (local.get 16)))
                    (local.set 23 (i32.wrap_i64 (local.get 6)))
                    (local.set 22 (i32.add (local.get 24) (local.get 23)))
                    (local.set 16 (i64.extend_i32_u (local.get 22)))
                    (local.set 26 (i64.extend_i32_u (local.get 22)))
                    (local.set 27 (i64.extend_i32_u (local.get 23)))
                    (local.set 31 (i64.extend_i32_u (local.get 24)))
                    (local.set 25 (i32.const 6))
                    (local.set 21 (local.get 7))
                    (local.set 11 (local.get 21))
                    (local.set 22 (i32.wrap_i64 (local.get 11)))
                    (local.set 12 (i64.load offset=67108864 (; guest ;) (local.get 22)))
                    (local.set 13 (local.get 7))
                    (local.set 7 (i64.add (local.get 13) (i64.const 8)))
                    (local.set 6 (local.get 12))
                    (local.set 13 (local.get 7))
                    (local.set 12 (local.get 13))
                    (local.set 22 (i32.wrap_i64 (local.get 12)))
                    (local.set 11 (i64.load offset=67108864 (; guest ;) (local.get 22)))
                    (if
                      (i64.ge_u (i64.sub (local.get 11) (i64.const 1)) (i64.const 4294967295))
                      (then
                        (local.set 4 (i32.const 65549))
                        (br $5)))
                    (local.set 21 (local.get 7))
                    (local.set 7 (i64.add (local.get 21) (i64.const 8)))
                    (local.set 4 (i32.wrap_i64 (local.get 11)))
                    (br $7))))
              (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 16))
              (i64.store offset=4120 (; rbx ;) (i32.const 0) (local.get 6))
              (i64.store offset=4128 (; rsp ;) (i32.const 0) (local.get 7))
              (i32.store offset=4272 (; flags: op ;) (i32.const 0) (local.get 25))
              (i64.store offset=4280 (; flags: dst ;) (i32.const 0) (local.get 26))
              (i64.store offset=4288 (; flags: src ;) (i32.const 0) (local.get 27))
              (return (local.get 4))))
          (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 16))
          (i64.store offset=4120 (; rbx ;) (i32.const 0) (local.get 6))
          (i64.store offset=4128 (; rsp ;) (i32.const 0) (local.get 7))
          (i32.store offset=4272 (; flags: op ;) (i32.const 0) (local.get 25))
          (i64.store offset=4280 (; flags: dst ;) (i32.const 0) (local.get 26))
          (i64.store offset=4288 (; flags: src ;) (i32.const 0) (local.get 27))
          (i64.store offset=4248 (; rip ;) (i32.const 0) (i64.extend_i32_u (local.get 4)))
          (i32.store offset=5644 (; trap ;) (i32.const 0) (local.get 5))
          (return (i32.const 0))))
      (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 16))
      (i64.store offset=4120 (; rbx ;) (i32.const 0) (local.get 6))
      (i64.store offset=4128 (; rsp ;) (i32.const 0) (local.get 7))
      (local.set 22
        (i32.shl
          (i32.and (i32.xor (local.get 4) (i32.shr_u (local.get 4) (i32.const 12))) (i32.const 16383))
          (i32.const 3)))
      (if
        (i32.ne (i32.load offset=10489856 (; jump cache ;) (local.get 22)) (local.get 4))
        (then
          (return (local.get 4))))
      (return_call $transfer
        (local.get 4)
        (local.get 1)
        (i32.load offset=10489860 (; jump cache ;) (local.get 22))))
    (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 16))
    (i64.store offset=4120 (; rbx ;) (i32.const 0) (local.get 6))
    (i64.store offset=4128 (; rsp ;) (i32.const 0) (local.get 7))
    (i64.store offset=4248 (; rip ;) (i32.const 0) (i64.extend_i32_u (local.get 4)))
    (i32.store offset=5644 (; trap ;) (i32.const 0) (local.get 5))
    (return (i32.const 0)))
  (i64.store offset=4248 (; rip ;) (i32.const 0) (i64.extend_i32_u (local.get 4)))
  (i32.store offset=5644 (; trap ;) (i32.const 0) (local.get 5))
  (return (i32.const 0))
  (unreachable))
