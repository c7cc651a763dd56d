;; f: cmp edi,2
;; jge on
;; mov eax,edi
;; ret
;; on: push rbx
;; push rbp
;; mov ebx,edi
;; lea edi,[rdi-1]
;; call f
;; mov ebp,eax
;; lea edi,[rbx-2]
;; call f
;; add eax,ebp
;; pop rbp
;; pop rbx
;; ret
(func $r10000 (param i32 i32) (result i32)
  (local i32 i32 i32 i32 i64 i64 i64 i64 i64 i32 i32 i32 i32 i64 i64 i32 i32 i64 i64 i64 i64 i64 i64 i32 i32 i64 i64 i64 i32 i32 i64 i64 i64 i64 i32)
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
  (local.set 8 (i64.load offset=4136 (; rbp ;) (i32.const 0)))
  (local.set 9 (i64.load offset=4152 (; rdi ;) (i32.const 0)))
  (block $1
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
                          (block
                            (block
                              (block
                                (block
                                  (block
                                    (block
                                      (block
                                        (block
                                          (block $21
                                            (block $22
                                              (block $23
                                                (block
                                                  (block
                                                    (block $26
                                                      (block $27
                                                        (block
                                                          (block
                                                            (block
                                                              (block
                                                                (block
                                                                  (block
                                                                    (block
                                                                      (block
                                                                        (block $36
                                                                          (block $37
                                                                            (block
                                                                              (block
                                                                                (block
                                                                                  (local.set 10
                                                                                    (i64.add
                                                                                      (local.get 7)
                                                                                      (i64.const -48)))
                                                                                  (if
                                                                                    (i64.ge_u
                                                                                      (i64.sub
                                                                                        (local.get 10)
                                                                                        (i64.load offset=8176
                                                                                          (i32.const 0)))
                                                                                      (i64.load offset=8184
                                                                                        (i32.const 0)))
                                                                                    (then
                                                                                      (local.set 11
                                                                                        (i32.shr_u
                                                                                          (i32.wrap_i64
                                                                                            (local.get 10))
                                                                                          (i32.const 12)))
                                                                                      (if
                                                                                        (i32.or
                                                                                          (i32.eqz
                                                                                            (i32.and
                                                                                              (i32.and
                                                                                                (i32.load8_u offset=1048576 (; page ;)
                                                                                                  (local.get 11))
                                                                                                (i32.load8_u offset=1048576 (; page ;)
                                                                                                  (i32.shr_u
                                                                                                    (i32.add
                                                                                                      (i32.wrap_i64
                                                                                                        (local.get 7))
                                                                                                      (i32.const 7))
                                                                                                    (i32.const 12))))
                                                                                              (i32.const 2)))
                                                                                          (i32.wrap_i64
                                                                                            (i64.shr_u
                                                                                              (local.get 7)
                                                                                              (i64.const 32))))
                                                                                        (then
                                                                                          (local.set 4
                                                                                            (i32.const 65536))
                                                                                          (br $1)))
                                                                                      (if
                                                                                        (i32.eq
                                                                                          (i32.and
                                                                                            (i32.load offset=1048576 (; page ;)
                                                                                              (local.get 11))
                                                                                            (i32.const 33686018))
                                                                                          (i32.const 33686018))
                                                                                        (then
                                                                                          (i64.store offset=8176
                                                                                            (i32.const 0)
                                                                                            (i64.and
                                                                                              (local.get 10)
                                                                                              (i64.const -4096)))
                                                                                          (i64.store offset=8184
                                                                                            (i32.const 0)
                                                                                            (i64.const 12288))))))
                                                                                  (local.set 12
                                                                                    (i32.wrap_i64
                                                                                      (local.get 9)))
                                                                                  (local.set 13
                                                                                    (i32.sub
                                                                                      (local.get 12)
                                                                                      (i32.const 2)))
                                                                                  (local.set 15
                                                                                    (i64.extend_i32_u
                                                                                      (local.get 13)))
                                                                                  (local.set 16 (i64.const 2))
                                                                                  (local.set 20
                                                                                    (i64.extend_i32_u
                                                                                      (local.get 12)))
                                                                                  (local.set 14
                                                                                    (i32.const 14))
                                                                                  (local.set 13
                                                                                    (i32.eqz
                                                                                      (i32.lt_s
                                                                                        (i32.wrap_i64
                                                                                          (local.get 20))
                                                                                        (i32.wrap_i64
                                                                                          (local.get 16)))))
                                                                                  (if
                                                                                    (local.get 13)
                                                                                    (then
                                                                                      (local.set 21
                                                                                        (local.get 6))
                                                                                      (local.set 22
                                                                                        (local.get 7))
                                                                                      (local.set 23
                                                                                        (i64.sub
                                                                                          (local.get 22)
                                                                                          (i64.const 8)))
                                                                                      (local.set 24
                                                                                        (local.get 23))
                                                                                      (local.set 12
                                                                                        (i32.wrap_i64
                                                                                          (local.get 24)))
                                                                                      (i64.store offset=67108864 (; guest ;)
                                                                                        (local.get 12)
                                                                                        (local.get 21))
                                                                                      (local.set 7
                                                                                        (local.get 23))
                                                                                      (local.set 24
                                                                                        (local.get 8))
                                                                                      (local.set 23
                                                                                        (local.get 7))
                                                                                      (local.set 22
                                                                                        (i64.sub
                                                                                          (local.get 23)
                                                                                          (i64.const 8)))
                                                                                      (local.set 21
                                                                                        (local.get 22))
                                                                                      (local.set 12
                                                                                        (i32.wrap_i64
                                                                                          (local.get 21)))
                                                                                      (i64.store offset=67108864 (; guest ;)
                                                                                        (local.get 12)
                                                                                        (local.get 24))
                                                                                      (local.set 7
                                                                                        (local.get 22))
                                                                                      (local.set 12
                                                                                        (i32.wrap_i64
                                                                                          (local.get 9)))
                                                                                      (local.set 6
                                                                                        (i64.extend_i32_u
                                                                                          (local.get 12)))
                                                                                      (local.set 21
                                                                                        (i64.add
                                                                                          (local.get 9)
                                                                                          (i64.const -1)))
                                                                                      (local.set 9
                                                                                        (i64.extend_i32_u
                                                                                          (i32.wrap_i64
                                                                                            (local.get 21))))
                                                                                      (local.set 21
                                                                                        (local.get 7))
                                                                                      (local.set 22
                                                                                        (i64.sub
                                                                                          (local.get 21)
                                                                                          (i64.const 8)))
                                                                                      (local.set 23
                                                                                        (local.get 22))
                                                                                      (local.set 12
                                                                                        (i32.wrap_i64
                                                                                          (local.get 23)))
                                                                                      (i64.store offset=67108864 (; guest ;)
                                                                                        (local.get 12)
                                                                                        (i64.const 65556))
                                                                                      (local.set 7
                                                                                        (local.get 22))
                                                                                      (block $42
                                                                                        (local.set 25
                                                                                          (i32.wrap_i64
                                                                                            (local.get 9)))
                                                                                        (local.set 26
                                                                                          (i32.sub
                                                                                            (local.get 25)
                                                                                            (i32.const 2)))
                                                                                        (local.set 15
                                                                                          (i64.extend_i32_u
                                                                                            (local.get 26)))
                                                                                        (local.set 16
                                                                                          (i64.const 2))
                                                                                        (local.set 20
                                                                                          (i64.extend_i32_u
                                                                                            (local.get 25)))
                                                                                        (local.set 14
                                                                                          (i32.const 14))
                                                                                        (local.set 26
                                                                                          (i32.eqz
                                                                                            (i32.lt_s
                                                                                              (i32.wrap_i64
                                                                                                (local.get 20))
                                                                                              (i32.wrap_i64
                                                                                                (local.get 16)))))
                                                                                        (if
                                                                                          (local.get 26)
                                                                                          (then
                                                                                            (local.set 24
                                                                                              (local.get 6))
                                                                                            (local.set 27
                                                                                              (local.get 7))
                                                                                            (local.set 28
                                                                                              (i64.sub
                                                                                                (local.get 27)
                                                                                                (i64.const 8)))
                                                                                            (local.set 29
                                                                                              (local.get 28))
                                                                                            (local.set 25
                                                                                              (i32.wrap_i64
                                                                                                (local.get 29)))
                                                                                            (i64.store offset=67108864 (; guest ;)
                                                                                              (local.get 25)
                                                                                              (local.get 24))
                                                                                            (local.set 7
                                                                                              (local.get 28))
                                                                                            (local.set 29
                                                                                              (local.get 8))
                                                                                            (local.set 28
                                                                                              (local.get 7))
                                                                                            (local.set 27
                                                                                              (i64.sub
                                                                                                (local.get 28)
                                                                                                (i64.const 8)))
                                                                                            (local.set 24
                                                                                              (local.get 27))
                                                                                            (local.set 25
                                                                                              (i32.wrap_i64
                                                                                                (local.get 24)))
                                                                                            (i64.store offset=67108864 (; guest ;)
                                                                                              (local.get 25)
                                                                                              (local.get 29))
                                                                                            (local.set 7
                                                                                              (local.get 27))
                                                                                            (local.set 25
                                                                                              (i32.wrap_i64
                                                                                                (local.get 9)))
                                                                                            (local.set 6
                                                                                              (i64.extend_i32_u
                                                                                                (local.get 25)))
                                                                                            (local.set 24
                                                                                              (i64.add
                                                                                                (local.get 9)
                                                                                                (i64.const -1)))
                                                                                            (local.set 9
                                                                                              (i64.extend_i32_u
                                                                                                (i32.wrap_i64
                                                                                                  (local.get 24))))
                                                                                            (local.set 24
                                                                                              (local.get 7))
                                                                                            (local.set 27
                                                                                              (i64.sub
                                                                                                (local.get 24)
                                                                                                (i64.const 8)))
                                                                                            (local.set 28
                                                                                              (local.get 27))
                                                                                            (local.set 25
                                                                                              (i32.wrap_i64
                                                                                                (local.get 28)))
                                                                                            (i64.store offset=67108864 (; guest ;)
                                                                                              (local.get 25)
                                                                                              (i64.const 65556))
                                                                                            (local.set 7
                                                                                              (local.get 27))
                                                                                            (i64.store offset=4120 (; rbx ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 6))
                                                                                            (i64.store offset=4128 (; rsp ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 7))
                                                                                            (i64.store offset=4152 (; rdi ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 9))
                                                                                            (i32.store offset=4272 (; flags: op ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 14))
                                                                                            (i64.store offset=4280 (; flags: dst ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 15))
                                                                                            (i64.store offset=4288 (; flags: src ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 16))
                                                                                            (local.set 29
                                                                                              (local.get 7))
                                                                                            (local.set 30
                                                                                              (call $r10000
                                                                                                (i32.const 65536)
                                                                                                (local.get 2)))
                                                                                            (if
                                                                                              (i32.ne
                                                                                                (local.get 30)
                                                                                                (i32.const 65556))
                                                                                              (then
                                                                                                (local.set 31
                                                                                                  (call $follow
                                                                                                    (local.get 30)
                                                                                                    (i32.const 65556)
                                                                                                    (local.get 2)))
                                                                                                (if
                                                                                                  (i32.ne
                                                                                                    (local.get 31)
                                                                                                    (i32.const 65556))
                                                                                                  (then
                                                                                                    (return
                                                                                                      (local.get 31))))))
                                                                                            (local.set 32
                                                                                              (i64.load offset=4096 (; rax ;)
                                                                                                (i32.const 0)))
                                                                                            (local.set 6
                                                                                              (i64.load offset=4120 (; rbx ;)
                                                                                                (i32.const 0)))
                                                                                            (local.set 7
                                                                                              (i64.load offset=4128 (; rsp ;)
                                                                                                (i32.const 0)))
                                                                                            (if
                                                                                              (i64.ne
                                                                                                (local.get 7)
                                                                                                (i64.add
                                                                                                  (local.get 29)
                                                                                                  (i64.const 8)))
                                                                                              (then
                                                                                                (return
                                                                                                  (i32.const 65556))))
                                                                                            (local.set 7
                                                                                              (i64.add
                                                                                                (local.get 29)
                                                                                                (i64.const 8)))
                                                                                            (local.set 31
                                                                                              (i32.wrap_i64
                                                                                                (local.get 32)))
                                                                                            (local.set 8
                                                                                              (i64.extend_i32_u
                                                                                                (local.get 31)))
                                                                                            (local.set 29
                                                                                              (i64.add
                                                                                                (local.get 6)
                                                                                                (i64.const -2)))
                                                                                            (local.set 9
                                                                                              (i64.extend_i32_u
                                                                                                (i32.wrap_i64
                                                                                                  (local.get 29))))
                                                                                            (local.set 29
                                                                                              (local.get 7))
                                                                                            (local.set 28
                                                                                              (i64.sub
                                                                                                (local.get 29)
                                                                                                (i64.const 8)))
                                                                                            (local.set 27
                                                                                              (local.get 28))
                                                                                            (local.set 31
                                                                                              (i32.wrap_i64
                                                                                                (local.get 27)))
                                                                                            (i64.store offset=67108864 (; guest ;)
                                                                                              (local.get 31)
                                                                                              (i64.const 65566))
                                                                                            (local.set 7
                                                                                              (local.get 28))
                                                                                            (i64.store offset=4128 (; rsp ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 7))
                                                                                            (i64.store offset=4136 (; rbp ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 8))
                                                                                            (i64.store offset=4152 (; rdi ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 9))
                                                                                            (local.set 24
                                                                                              (local.get 7))
                                                                                            (local.set 30
                                                                                              (call $r10000
                                                                                                (i32.const 65536)
                                                                                                (local.get 2)))
                                                                                            (if
                                                                                              (i32.ne
                                                                                                (local.get 30)
                                                                                                (i32.const 65566))
                                                                                              (then
                                                                                                (local.set 25
                                                                                                  (call $follow
                                                                                                    (local.get 30)
                                                                                                    (i32.const 65566)
                                                                                                    (local.get 2)))
                                                                                                (if
                                                                                                  (i32.ne
                                                                                                    (local.get 25)
                                                                                                    (i32.const 65566))
                                                                                                  (then
                                                                                                    (return
                                                                                                      (local.get 25))))))
                                                                                            (local.set 32
                                                                                              (i64.load offset=4096 (; rax ;)
                                                                                                (i32.const 0)))
                                                                                            (local.set 7
                                                                                              (i64.load offset=4128 (; rsp ;)
                                                                                                (i32.const 0)))
                                                                                            (local.set 8
                                                                                              (i64.load offset=4136 (; rbp ;)
                                                                                                (i32.const 0)))
                                                                                            (if
                                                                                              (i64.ne
                                                                                                (local.get 7)
                                                                                                (i64.add
                                                                                                  (local.get 24)
                                                                                                  (i64.const 8)))
                                                                                              (then
                                                                                                (return
                                                                                                  (i32.const 65566))))
                                                                                            (local.set 7
                                                                                              (i64.add
                                                                                                (local.get 24)
                                                                                                (i64.const 8)))
                                                                                            (local.set 25
                                                                                              (i32.wrap_i64
                                                                                                (local.get 32)))
                                                                                            (local.set 30
                                                                                              (i32.wrap_i64
                                                                                                (local.get 8)))
                                                                                            (local.set 31
                                                                                              (i32.add
                                                                                                (local.get 25)
                                                                                                (local.get 30)))
                                                                                            (local.set 32
                                                                                              (i64.extend_i32_u
                                                                                                (local.get 31)))
                                                                                            (local.set 15
                                                                                              (i64.extend_i32_u
                                                                                                (local.get 31)))
                                                                                            (local.set 16
                                                                                              (i64.extend_i32_u
                                                                                                (local.get 30)))
                                                                                            (local.set 20
                                                                                              (i64.extend_i32_u
                                                                                                (local.get 25)))
                                                                                            (local.set 14
                                                                                              (i32.const 6))
                                                                                            (local.set 24
                                                                                              (local.get 7))
                                                                                            (local.set 27
                                                                                              (local.get 24))
                                                                                            (local.set 31
                                                                                              (i32.wrap_i64
                                                                                                (local.get 27)))
                                                                                            (local.set 28
                                                                                              (i64.load offset=67108864 (; guest ;)
                                                                                                (local.get 31)))
                                                                                            (local.set 29
                                                                                              (local.get 7))
                                                                                            (local.set 7
                                                                                              (i64.add
                                                                                                (local.get 29)
                                                                                                (i64.const 8)))
                                                                                            (local.set 8
                                                                                              (local.get 28))
                                                                                            (local.set 29
                                                                                              (local.get 7))
                                                                                            (local.set 28
                                                                                              (local.get 29))
                                                                                            (local.set 31
                                                                                              (i32.wrap_i64
                                                                                                (local.get 28)))
                                                                                            (local.set 27
                                                                                              (i64.load offset=67108864 (; guest ;)
                                                                                                (local.get 31)))
                                                                                            (local.set 24
                                                                                              (local.get 7))
                                                                                            (local.set 7
                                                                                              (i64.add
                                                                                                (local.get 24)
                                                                                                (i64.const 8)))
                                                                                            (local.set 6
                                                                                              (local.get 27))
                                                                                            (local.set 24
                                                                                              (local.get 7))
                                                                                            (local.set 27
                                                                                              (local.get 24))
                                                                                            (local.set 31
                                                                                              (i32.wrap_i64
                                                                                                (local.get 27)))
                                                                                            (local.set 28
                                                                                              (i64.load offset=67108864 (; guest ;)
                                                                                                (local.get 31)))
                                                                                            (if
                                                                                              (i64.ge_u
                                                                                                (i64.sub
                                                                                                  (local.get 28)
                                                                                                  (i64.const 1))
                                                                                                (i64.const 4294967295))
                                                                                              (then
                                                                                                (local.set 4
                                                                                                  (i32.const 65570))
                                                                                                (br $36)))
                                                                                            (local.set 29
                                                                                              (local.get 7))
                                                                                            (local.set 7
                                                                                              (i64.add
                                                                                                (local.get 29)
                                                                                                (i64.const 8)))
                                                                                            (local.set 4
                                                                                              (i32.wrap_i64
                                                                                                (local.get 28)))
                                                                                            (if
                                                                                              (i32.ne
                                                                                                (local.get 4)
                                                                                                (i32.const 65556))
                                                                                              (then
                                                                                                (br $37)))
                                                                                            (br $42)))
                                                                                        (local.set 26
                                                                                          (i32.wrap_i64
                                                                                            (local.get 9)))
                                                                                        (local.set 32
                                                                                          (i64.extend_i32_u
                                                                                            (local.get 26)))
                                                                                        (local.set 29
                                                                                          (local.get 7))
                                                                                        (local.set 28
                                                                                          (local.get 29))
                                                                                        (local.set 26
                                                                                          (i32.wrap_i64
                                                                                            (local.get 28)))
                                                                                        (local.set 27
                                                                                          (i64.load offset=67108864 (; guest ;)
                                                                                            (local.get 26)))
                                                                                        (if
                                                                                          (i64.ge_u
                                                                                            (i64.sub
                                                                                              (local.get 27)
                                                                                              (i64.const 1))
                                                                                            (i64.const 4294967295))
                                                                                          (then
                                                                                            (local.set 4
                                                                                              (i32.const 65543))
                                                                                            (br $26)))
                                                                                        (local.set 24
                                                                                          (local.get 7))
                                                                                        (local.set 7
                                                                                          (i64.add
                                                                                            (local.get 24)
                                                                                            (i64.const 8)))
                                                                                        (local.set 4
                                                                                          (i32.wrap_i64
                                                                                            (local.get 27)))
                                                                                        (if
                                                                                          (i32.ne
                                                                                            (local.get 4)
                                                                                            (i32.const 65556))
                                                                                          (then
                                                                                            (br $27)))
                                                                                        (br $42))
                                                                                      (local.set 26
                                                                                        (i32.wrap_i64
                                                                                          (local.get 32)))
                                                                                      (local.set 8
                                                                                        (i64.extend_i32_u
                                                                                          (local.get 26)))
                                                                                      (local.set 24
                                                                                        (i64.add
                                                                                          (local.get 6)
                                                                                          (i64.const -2)))
                                                                                      (local.set 9
                                                                                        (i64.extend_i32_u
                                                                                          (i32.wrap_i64
                                                                                            (local.get 24))))
                                                                                      (local.set 24
                                                                                        (local.get 7))
                                                                                      (local.set 27
                                                                                        (i64.sub
                                                                                          (local.get 24)
                                                                                          (i64.const 8)))
                                                                                      (local.set 28
                                                                                        (local.get 27))
                                                                                      (local.set 26
                                                                                        (i32.wrap_i64
                                                                                          (local.get 28)))
                                                                                      (i64.store offset=67108864 (; guest ;)
                                                                                        (local.get 26)
                                                                                        (i64.const 65566))
                                                                                      (local.set 7
                                                                                        (local.get 27))
                                                                                      (block $42
                                                                                        (local.set 31
                                                                                          (i32.wrap_i64
                                                                                            (local.get 9)))
                                                                                        (local.set 30
                                                                                          (i32.sub
                                                                                            (local.get 31)
                                                                                            (i32.const 2)))
                                                                                        (local.set 15
                                                                                          (i64.extend_i32_u
                                                                                            (local.get 30)))
                                                                                        (local.set 16
                                                                                          (i64.const 2))
                                                                                        (local.set 20
                                                                                          (i64.extend_i32_u
                                                                                            (local.get 31)))
                                                                                        (local.set 14
                                                                                          (i32.const 14))
                                                                                        (local.set 30
                                                                                          (i32.eqz
                                                                                            (i32.lt_s
                                                                                              (i32.wrap_i64
                                                                                                (local.get 20))
                                                                                              (i32.wrap_i64
                                                                                                (local.get 16)))))
                                                                                        (if
                                                                                          (local.get 30)
                                                                                          (then
                                                                                            (local.set 29
                                                                                              (local.get 6))
                                                                                            (local.set 33
                                                                                              (local.get 7))
                                                                                            (local.set 34
                                                                                              (i64.sub
                                                                                                (local.get 33)
                                                                                                (i64.const 8)))
                                                                                            (local.set 35
                                                                                              (local.get 34))
                                                                                            (local.set 31
                                                                                              (i32.wrap_i64
                                                                                                (local.get 35)))
                                                                                            (i64.store offset=67108864 (; guest ;)
                                                                                              (local.get 31)
                                                                                              (local.get 29))
                                                                                            (local.set 7
                                                                                              (local.get 34))
                                                                                            (local.set 35
                                                                                              (local.get 8))
                                                                                            (local.set 34
                                                                                              (local.get 7))
                                                                                            (local.set 33
                                                                                              (i64.sub
                                                                                                (local.get 34)
                                                                                                (i64.const 8)))
                                                                                            (local.set 29
                                                                                              (local.get 33))
                                                                                            (local.set 31
                                                                                              (i32.wrap_i64
                                                                                                (local.get 29)))
                                                                                            (i64.store offset=67108864 (; guest ;)
                                                                                              (local.get 31)
                                                                                              (local.get 35))
                                                                                            (local.set 7
                                                                                              (local.get 33))
                                                                                            (local.set 31
                                                                                              (i32.wrap_i64
                                                                                                (local.get 9)))
                                                                                            (local.set 6
                                                                                              (i64.extend_i32_u
                                                                                                (local.get 31)))
                                                                                            (local.set 29
                                                                                              (i64.add
                                                                                                (local.get 9)
                                                                                                (i64.const -1)))
                                                                                            (local.set 9
                                                                                              (i64.extend_i32_u
                                                                                                (i32.wrap_i64
                                                                                                  (local.get 29))))
                                                                                            (local.set 29
                                                                                              (local.get 7))
                                                                                            (local.set 33
                                                                                              (i64.sub
                                                                                                (local.get 29)
                                                                                                (i64.const 8)))
                                                                                            (local.set 34
                                                                                              (local.get 33))
                                                                                            (local.set 31
                                                                                              (i32.wrap_i64
                                                                                                (local.get 34)))
                                                                                            (i64.store offset=67108864 (; guest ;)
                                                                                              (local.get 31)
                                                                                              (i64.const 65556))
                                                                                            (local.set 7
                                                                                              (local.get 33))
                                                                                            (i64.store offset=4096 (; rax ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 32))
                                                                                            (i64.store offset=4120 (; rbx ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 6))
                                                                                            (i64.store offset=4128 (; rsp ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 7))
                                                                                            (i64.store offset=4136 (; rbp ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 8))
                                                                                            (i64.store offset=4152 (; rdi ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 9))
                                                                                            (i32.store offset=4272 (; flags: op ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 14))
                                                                                            (i64.store offset=4280 (; flags: dst ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 15))
                                                                                            (i64.store offset=4288 (; flags: src ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 16))
                                                                                            (local.set 35
                                                                                              (local.get 7))
                                                                                            (local.set 25
                                                                                              (call $r10000
                                                                                                (i32.const 65536)
                                                                                                (local.get 2)))
                                                                                            (if
                                                                                              (i32.ne
                                                                                                (local.get 25)
                                                                                                (i32.const 65556))
                                                                                              (then
                                                                                                (local.set 36
                                                                                                  (call $follow
                                                                                                    (local.get 25)
                                                                                                    (i32.const 65556)
                                                                                                    (local.get 2)))
                                                                                                (if
                                                                                                  (i32.ne
                                                                                                    (local.get 36)
                                                                                                    (i32.const 65556))
                                                                                                  (then
                                                                                                    (return
                                                                                                      (local.get 36))))))
                                                                                            (local.set 32
                                                                                              (i64.load offset=4096 (; rax ;)
                                                                                                (i32.const 0)))
                                                                                            (local.set 6
                                                                                              (i64.load offset=4120 (; rbx ;)
                                                                                                (i32.const 0)))
                                                                                            (local.set 7
                                                                                              (i64.load offset=4128 (; rsp ;)
                                                                                                (i32.const 0)))
                                                                                            (if
                                                                                              (i64.ne
                                                                                                (local.get 7)
                                                                                                (i64.add
                                                                                                  (local.get 35)
                                                                                                  (i64.const 8)))
                                                                                              (then
                                                                                                (return
                                                                                                  (i32.const 65556))))
                                                                                            (local.set 7
                                                                                              (i64.add
                                                                                                (local.get 35)
                                                                                                (i64.const 8)))
                                                                                            (local.set 36
                                                                                              (i32.wrap_i64
                                                                                                (local.get 32)))
                                                                                            (local.set 8
                                                                                              (i64.extend_i32_u
                                                                                                (local.get 36)))
                                                                                            (local.set 35
                                                                                              (i64.add
                                                                                                (local.get 6)
                                                                                                (i64.const -2)))
                                                                                            (local.set 9
                                                                                              (i64.extend_i32_u
                                                                                                (i32.wrap_i64
                                                                                                  (local.get 35))))
                                                                                            (local.set 35
                                                                                              (local.get 7))
                                                                                            (local.set 34
                                                                                              (i64.sub
                                                                                                (local.get 35)
                                                                                                (i64.const 8)))
                                                                                            (local.set 33
                                                                                              (local.get 34))
                                                                                            (local.set 36
                                                                                              (i32.wrap_i64
                                                                                                (local.get 33)))
                                                                                            (i64.store offset=67108864 (; guest ;)
                                                                                              (local.get 36)
                                                                                              (i64.const 65566))
                                                                                            (local.set 7
                                                                                              (local.get 34))
                                                                                            (i64.store offset=4128 (; rsp ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 7))
                                                                                            (i64.store offset=4136 (; rbp ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 8))
                                                                                            (i64.store offset=4152 (; rdi ;)
                                                                                              (i32.const 0)
                                                                                              (local.get 9))
                                                                                            (local.set 29
                                                                                              (local.get 7))
                                                                                            (local.set 25
                                                                                              (call $r10000
                                                                                                (i32.const 65536)
                                                                                                (local.get 2)))
                                                                                            (if
                                                                                              (i32.ne
                                                                                                (local.get 25)
                                                                                                (i32.const 65566))
                                                                                              (then
                                                                                                (local.set 31
                                                                                                  (call $follow
                                                                                                    (local.get 25)
                                                                                                    (i32.const 65566)
                                                                                                    (local.get 2)))
                                                                                                (if
                                                                                                  (i32.ne
                                                                                                    (local.get 31)
                                                                                                    (i32.const 65566))
                                                                                                  (then
                                                                                                    (return
                                                                                                      (local.get 31))))))
                                                                                            (local.set 32
                                                                                              (i64.load offset=4096 (; rax ;)
                                                                                                (i32.const 0)))
                                                                                            (local.set 7
                                                                                              (i64.load offset=4128 (; rsp ;)
                                                                                                (i32.const 0)))
                                                                                            (local.set 8
                                                                                              (i64.load offset=4136 (; rbp ;)
                                                                                                (i32.const 0)))
                                                                                            (local.set 9
                                                                                              (i64.load offset=4152 (; rdi ;)
                                                                                                (i32.const 0)))
                                                                                            (if
                                                                                              (i64.ne
                                                                                                (local.get 7)
                                                                                                (i64.add
                                                                                                  (local.get 29)
                                                                                                  (i64.const 8)))
                                                                                              (then
                                                                                                (return
                                                                                                  (i32.const 65566))))
                                                                                            (local.set 7
                                                                                              (i64.add
                                                                                                (local.get 29)
                                                                                                (i64.const 8)))
                                                                                            (local.set 31
                                                                                              (i32.wrap_i64
                                                                                                (local.get 32)))
                                                                                            (local.set 25
                                                                                              (i32.wrap_i64
                                                                                                (local.get 8)))
                                                                                            (local.set 36
                                                                                              (i32.add
                                                                                                (local.get 31)
                                                                                                (local.get 25)))
                                                                                            (local.set 32
                                                                                              (i64.extend_i32_u
                                                                                                (local.get 36)))
                                                                                            (local.set 15
                                                                                              (i64.extend_i32_u
                                                                                                (local.get 36)))
                                                                                            (local.set 16
                                                                                              (i64.extend_i32_u
                                                                                                (local.get 25)))
                                                                                            (local.set 20
                                                                                              (i64.extend_i32_u
                                                                                                (local.get 31)))
                                                                                            (local.set 14
                                                                                              (i32.const 6))
                                                                                            (local.set 29
                                                                                              (local.get 7))
                                                                                            (local.set 33
                                                                                              (local.get 29))
                                                                                            (local.set 36
                                                                                              (i32.wrap_i64
                                                                                                (local.get 33)))
                                                                                            (local.set 34
                                                                                              (i64.load offset=67108864 (; guest ;)
                                                                                                (local.get 36)))
                                                                                            (local.set 35
                                                                                              (local.get 7))
                                                                                            (local.set 7
                                                                                              (i64.add
                                                                                                (local.get 35)
                                                                                                (i64.const 8)))
                                                                                            (local.set 8
                                                                                              (local.get 34))
                                                                                            (local.set 35
                                                                                              (local.get 7))
                                                                                            (local.set 34
                                                                                              (local.get 35))
                                                                                            (local.set 36
                                                                                              (i32.wrap_i64
                                                                                                (local.get 34)))
                                                                                            (local.set 33
                                                                                              (i64.load offset=67108864 (; guest ;)
                                                                                                (local.get 36)))
                                                                                            (local.set 29
                                                                                              (local.get 7))
                                                                                            (local.set 7
                                                                                              (i64.add
                                                                                                (local.get 29)
                                                                                                (i64.const 8)))
                                                                                            (local.set 6
                                                                                              (local.get 33))
                                                                                            (local.set 29
                                                                                              (local.get 7))
                                                                                            (local.set 33
                                                                                              (local.get 29))
                                                                                            (local.set 36
                                                                                              (i32.wrap_i64
                                                                                                (local.get 33)))
                                                                                            (local.set 34
                                                                                              (i64.load offset=67108864 (; guest ;)
                                                                                                (local.get 36)))
                                                                                            (if
                                                                                              (i64.ge_u
                                                                                                (i64.sub
                                                                                                  (local.get 34)
                                                                                                  (i64.const 1))
                                                                                                (i64.const 4294967295))
                                                                                              (then
                                                                                                (local.set 4
                                                                                                  (i32.const 65570))
                                                                                                (br $36)))
                                                                                            (local.set 35
                                                                                              (local.get 7))
                                                                                            (local.set 7
                                                                                              (i64.add
                                                                                                (local.get 35)
                                                                                                (i64.const 8)))
                                                                                            (local.set 4
                                                                                              (i32.wrap_i64
                                                                                                (local.get 34)))
                                                                                            (if
                                                                                              (i32.ne
                                                                                                (local.get 4)
                                                                                                (i32.const 65566))
                                                                                              (then
                                                                                                (br $37)))
                                                                                            (br $42)))
                                                                                        (local.set 30
                                                                                          (i32.wrap_i64
                                                                                            (local.get 9)))
                                                                                        (local.set 32
                                                                                          (i64.extend_i32_u
                                                                                            (local.get 30)))
                                                                                        (local.set 35
                                                                                          (local.get 7))
                                                                                        (local.set 34
                                                                                          (local.get 35))
                                                                                        (local.set 30
                                                                                          (i32.wrap_i64
                                                                                            (local.get 34)))
                                                                                        (local.set 33
                                                                                          (i64.load offset=67108864 (; guest ;)
                                                                                            (local.get 30)))
                                                                                        (if
                                                                                          (i64.ge_u
                                                                                            (i64.sub
                                                                                              (local.get 33)
                                                                                              (i64.const 1))
                                                                                            (i64.const 4294967295))
                                                                                          (then
                                                                                            (local.set 4
                                                                                              (i32.const 65543))
                                                                                            (br $21)))
                                                                                        (local.set 29
                                                                                          (local.get 7))
                                                                                        (local.set 7
                                                                                          (i64.add
                                                                                            (local.get 29)
                                                                                            (i64.const 8)))
                                                                                        (local.set 4
                                                                                          (i32.wrap_i64
                                                                                            (local.get 33)))
                                                                                        (if
                                                                                          (i32.ne
                                                                                            (local.get 4)
                                                                                            (i32.const 65566))
                                                                                          (then
                                                                                            (br $22)))
                                                                                        (br $42))
                                                                                      (local.set 30
                                                                                        (i32.wrap_i64
                                                                                          (local.get 32)))
                                                                                      (local.set 36
                                                                                        (i32.wrap_i64
                                                                                          (local.get 8)))
                                                                                      (local.set 25
                                                                                        (i32.add
                                                                                          (local.get 30)
                                                                                          (local.get 36)))
                                                                                      (local.set 32
                                                                                        (i64.extend_i32_u
                                                                                          (local.get 25)))
                                                                                      (local.set 15
                                                                                        (i64.extend_i32_u
                                                                                          (local.get 25)))
                                                                                      (local.set 16
                                                                                        (i64.extend_i32_u
                                                                                          (local.get 36)))
                                                                                      (local.set 20
                                                                                        (i64.extend_i32_u
                                                                                          (local.get 30)))
                                                                                      (local.set 14
                                                                                        (i32.const 6))
                                                                                      (local.set 29
                                                                                        (local.get 7))
                                                                                      (local.set 33
                                                                                        (local.get 29))
                                                                                      (local.set 25
                                                                                        (i32.wrap_i64
                                                                                          (local.get 33)))
                                                                                      (local.set 34
                                                                                        (i64.load offset=67108864 (; guest ;)
                                                                                          (local.get 25)))
                                                                                      (local.set 35
                                                                                        (local.get 7))
                                                                                      (local.set 7
                                                                                        (i64.add
                                                                                          (local.get 35)
                                                                                          (i64.const 8)))
                                                                                      (local.set 8
                                                                                        (local.get 34))
                                                                                      (local.set 35
                                                                                        (local.get 7))
                                                                                      (local.set 34
                                                                                        (local.get 35))
                                                                                      (local.set 25
                                                                                        (i32.wrap_i64
                                                                                          (local.get 34)))
                                                                                      (local.set 33
                                                                                        (i64.load offset=67108864 (; guest ;)
                                                                                          (local.get 25)))
                                                                                      (local.set 29
                                                                                        (local.get 7))
                                                                                      (local.set 7
                                                                                        (i64.add
                                                                                          (local.get 29)
                                                                                          (i64.const 8)))
                                                                                      (local.set 6
                                                                                        (local.get 33))
                                                                                      (local.set 29
                                                                                        (local.get 7))
                                                                                      (local.set 33
                                                                                        (local.get 29))
                                                                                      (local.set 25
                                                                                        (i32.wrap_i64
                                                                                          (local.get 33)))
                                                                                      (local.set 34
                                                                                        (i64.load offset=67108864 (; guest ;)
                                                                                          (local.get 25)))
                                                                                      (if
                                                                                        (i64.ge_u
                                                                                          (i64.sub
                                                                                            (local.get 34)
                                                                                            (i64.const 1))
                                                                                          (i64.const 4294967295))
                                                                                        (then
                                                                                          (local.set 4
                                                                                            (i32.const 65570))
                                                                                          (br $21)))
                                                                                      (local.set 35
                                                                                        (local.get 7))
                                                                                      (local.set 7
                                                                                        (i64.add
                                                                                          (local.get 35)
                                                                                          (i64.const 8)))
                                                                                      (local.set 4
                                                                                        (i32.wrap_i64
                                                                                          (local.get 34)))
                                                                                      (br $23)))
                                                                                  (local.set 13
                                                                                    (i32.wrap_i64
                                                                                      (local.get 9)))
                                                                                  (local.set 32
                                                                                    (i64.extend_i32_u
                                                                                      (local.get 13)))
                                                                                  (local.set 23 (local.get 7))
                                                                                  (local.set 22
                                                                                    (local.get 23))
                                                                                  (local.set 13
                                                                                    (i32.wrap_i64
                                                                                      (local.get 22)))
                                                                                  (local.set 21
                                                                                    (i64.load offset=67108864 (; guest ;)
                                                                                      (local.get 13)))
                                                                                  (if
                                                                                    (i64.ge_u
                                                                                      (i64.sub
                                                                                        (local.get 21)
                                                                                        (i64.const 1))
                                                                                      (i64.const 4294967295))
                                                                                    (then
                                                                                      (local.set 4
                                                                                        (i32.const 65543))
                                                                                      (br $7)))
                                                                                  (local.set 28 (local.get 7))
                                                                                  (local.set 7
                                                                                    (i64.add
                                                                                      (local.get 28)
                                                                                      (i64.const 8)))
                                                                                  (local.set 4
                                                                                    (i32.wrap_i64
                                                                                      (local.get 21)))
                                                                                  (br $10)))))
                                                                          (i64.store offset=4096 (; rax ;)
                                                                            (i32.const 0)
                                                                            (local.get 32))
                                                                          (i64.store offset=4120 (; rbx ;)
                                                                            (i32.const 0)
                                                                            (local.get 6))
                                                                          (i64.store offset=4128 (; rsp ;)
                                                                            (i32.const 0)
                                                                            (local.get 7))
                                                                          (i64.store offset=4136 (; rbp ;)
                                                                            (i32.const 0)
                                                                            (local.get 8))
                                                                          (i32.store offset=4272 (; flags: op ;)
                                                                            (i32.const 0)
                                                                            (local.get 14))
                                                                          (i64.store offset=4280 (; flags: dst ;)
                                                                            (i32.const 0)
                                                                            (local.get 15))
                                                                          (i64.store offset=4288 (; flags: src ;)
                                                                            (i32.const 0)
                                                                            (local.get 16))
                                                                          (local.set 13
                                                                            (i32.shl
                                                                              (i32.and
                                                                                (i32.xor
                                                                                  (local.get 4)
                                                                                  (i32.shr_u
                                                                                    (local.get 4)
                                                                                    (i32.const 12)))
                                                                                (i32.const 16383))
                                                                              (i32.const 3)))
                                                                          (if
                                                                            (i32.ne
                                                                              (i32.load offset=10489856 (; jump cache ;)
                                                                                (local.get 13))
                                                                              (local.get 4))
                                                                            (then
                                                                              (return (local.get 4))))
                                                                          (return_call $transfer
                                                                            (local.get 4)
                                                                            (local.get 1)
                                                                            (i32.load offset=10489860 (; jump cache ;)
                                                                              (local.get 13))))
                                                                        (i64.store offset=4096 (; rax ;)
                                                                          (i32.const 0)
                                                                          (local.get 32))
                                                                        (i64.store offset=4120 (; rbx ;)
                                                                          (i32.const 0)
                                                                          (local.get 6))
                                                                        (i64.store offset=4128 (; rsp ;)
                                                                          (i32.const 0)
                                                                          (local.get 7))
                                                                        (i64.store offset=4136 (; rbp ;)
                                                                          (i32.const 0)
                                                                          (local.get 8))
                                                                        (i32.store offset=4272 (; flags: op ;)
                                                                          (i32.const 0)
                                                                          (local.get 14))
                                                                        (i64.store offset=4280 (; flags: dst ;)
                                                                          (i32.const 0)
                                                                          (local.get 15))
                                                                        (i64.store offset=4288 (; flags: src ;)
                                                                          (i32.const 0)
                                                                          (local.get 16))
                                                                        (i64.store offset=4248 (; rip ;)
                                                                          (i32.const 0)
                                                                          (i64.extend_i32_u (local.get 4)))
                                                                        (i32.store offset=5644 (; trap ;)
                                                                          (i32.const 0)
                                                                          (local.get 5))
                                                                        (return (i32.const 0)))))))))))
                                                      (i64.store offset=4096 (; rax ;)
                                                        (i32.const 0)
                                                        (local.get 32))
                                                      (i64.store offset=4120 (; rbx ;)
                                                        (i32.const 0)
                                                        (local.get 6))
                                                      (i64.store offset=4128 (; rsp ;)
                                                        (i32.const 0)
                                                        (local.get 7))
                                                      (i64.store offset=4152 (; rdi ;)
                                                        (i32.const 0)
                                                        (local.get 9))
                                                      (i32.store offset=4272 (; flags: op ;)
                                                        (i32.const 0)
                                                        (local.get 14))
                                                      (i64.store offset=4280 (; flags: dst ;)
                                                        (i32.const 0)
                                                        (local.get 15))
                                                      (i64.store offset=4288 (; flags: src ;)
                                                        (i32.const 0)
                                                        (local.get 16))
                                                      (local.set 12
                                                        (i32.shl
                                                          (i32.and
                                                            (i32.xor
                                                              (local.get 4)
                                                              (i32.shr_u (local.get 4) (i32.const 12)))
                                                            (i32.const 16383))
                                                          (i32.const 3)))
                                                      (if
                                                        (i32.ne
                                                          (i32.load offset=10489856 (; jump cache ;)
                                                            (local.get 12))
                                                          (local.get 4))
                                                        (then
                                                          (return (local.get 4))))
                                                      (return_call $transfer
                                                        (local.get 4)
                                                        (local.get 1)
                                                        (i32.load offset=10489860 (; jump cache ;)
                                                          (local.get 12))))
                                                    (i64.store offset=4096 (; rax ;)
                                                      (i32.const 0)
                                                      (local.get 32))
                                                    (i64.store offset=4120 (; rbx ;)
                                                      (i32.const 0)
                                                      (local.get 6))
                                                    (i64.store offset=4128 (; rsp ;)
                                                      (i32.const 0)
                                                      (local.get 7))
                                                    (i64.store offset=4152 (; rdi ;)
                                                      (i32.const 0)
                                                      (local.get 9))
                                                    (i32.store offset=4272 (; flags: op ;)
                                                      (i32.const 0)
                                                      (local.get 14))
                                                    (i64.store offset=4280 (; flags: dst ;)
                                                      (i32.const 0)
                                                      (local.get 15))
                                                    (i64.store offset=4288 (; flags: src ;)
                                                      (i32.const 0)
                                                      (local.get 16))
                                                    (i64.store offset=4248 (; rip ;)
                                                      (i32.const 0)
                                                      (i64.extend_i32_u (local.get 4)))
                                                    (i32.store offset=5644 (; trap ;)
                                                      (i32.const 0)
                                                      (local.get 5))
                                                    (return (i32.const 0)))))
                                              (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 32))
                                              (i64.store offset=4120 (; rbx ;) (i32.const 0) (local.get 6))
                                              (i64.store offset=4128 (; rsp ;) (i32.const 0) (local.get 7))
                                              (i64.store offset=4136 (; rbp ;) (i32.const 0) (local.get 8))
                                              (i64.store offset=4152 (; rdi ;) (i32.const 0) (local.get 9))
                                              (i32.store offset=4272 (; flags: op ;)
                                                (i32.const 0)
                                                (local.get 14))
                                              (i64.store offset=4280 (; flags: dst ;)
                                                (i32.const 0)
                                                (local.get 15))
                                              (i64.store offset=4288 (; flags: src ;)
                                                (i32.const 0)
                                                (local.get 16))
                                              (return (local.get 4)))
                                            (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 32))
                                            (i64.store offset=4120 (; rbx ;) (i32.const 0) (local.get 6))
                                            (i64.store offset=4128 (; rsp ;) (i32.const 0) (local.get 7))
                                            (i64.store offset=4136 (; rbp ;) (i32.const 0) (local.get 8))
                                            (i64.store offset=4152 (; rdi ;) (i32.const 0) (local.get 9))
                                            (i32.store offset=4272 (; flags: op ;)
                                              (i32.const 0)
                                              (local.get 14))
                                            (i64.store offset=4280 (; flags: dst ;)
                                              (i32.const 0)
                                              (local.get 15))
                                            (i64.store offset=4288 (; flags: src ;)
                                              (i32.const 0)
                                              (local.get 16))
                                            (local.set 26
                                              (i32.shl
                                                (i32.and
                                                  (i32.xor
                                                    (local.get 4)
                                                    (i32.shr_u (local.get 4) (i32.const 12)))
                                                  (i32.const 16383))
                                                (i32.const 3)))
                                            (if
                                              (i32.ne
                                                (i32.load offset=10489856 (; jump cache ;) (local.get 26))
                                                (local.get 4))
                                              (then
                                                (return (local.get 4))))
                                            (return_call $transfer
                                              (local.get 4)
                                              (local.get 1)
                                              (i32.load offset=10489860 (; jump cache ;) (local.get 26))))
                                          (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 32))
                                          (i64.store offset=4120 (; rbx ;) (i32.const 0) (local.get 6))
                                          (i64.store offset=4128 (; rsp ;) (i32.const 0) (local.get 7))
                                          (i64.store offset=4136 (; rbp ;) (i32.const 0) (local.get 8))
                                          (i64.store offset=4152 (; rdi ;) (i32.const 0) (local.get 9))
                                          (i32.store offset=4272 (; flags: op ;) (i32.const 0) (local.get 14))
                                          (i64.store offset=4280 (; flags: dst ;)
                                            (i32.const 0)
                                            (local.get 15))
                                          (i64.store offset=4288 (; flags: src ;)
                                            (i32.const 0)
                                            (local.get 16))
                                          (i64.store offset=4248 (; rip ;)
                                            (i32.const 0)
                                            (i64.extend_i32_u (local.get 4)))
                                          (i32.store offset=5644 (; trap ;) (i32.const 0) (local.get 5))
                                          (return (i32.const 0)))))))))))))
                    (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 32))
                    (i64.store offset=4128 (; rsp ;) (i32.const 0) (local.get 7))
                    (i32.store offset=4272 (; flags: op ;) (i32.const 0) (local.get 14))
                    (i64.store offset=4280 (; flags: dst ;) (i32.const 0) (local.get 15))
                    (i64.store offset=4288 (; flags: src ;) (i32.const 0) (local.get 16))
                    (return (local.get 4)))))
              (i64.store offset=4096 (; rax ;) (i32.const 0) (local.get 32))
              (i32.store offset=4272 (; flags: op ;) (i32.const 0) (local.get 14))
              (i64.store offset=4280 (; flags: dst ;) (i32.const 0) (local.get 15))
              (i64.store offset=4288 (; flags: src ;) (i32.const 0) (local.get 16))
              (i64.store offset=4248 (; rip ;) (i32.const 0) (i64.extend_i32_u (local.get 4)))
              (i32.store offset=5644 (; trap ;) (i32.const 0) (local.get 5))
              (return (i32.const 0))))))))
  (i64.store offset=4248 (; rip ;) (i32.const 0) (i64.extend_i32_u (local.get 4)))
  (i32.store offset=5644 (; trap ;) (i32.const 0) (local.get 5))
  (return (i32.const 0))
  (unreachable))
