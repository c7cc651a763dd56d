/**
 * Encodings of SSE and SSE2 (Intel SDM vol. 2, appendix A.3). table.ts says how a row is written.
 *
 * Instructions that do the same have the same mnemonic here: pand also stands for andps and andpd, movaps for all
 * aligned moves, movups for all unaligned ones.
 */
export const sseTable = `
np 0f 10        movups   Vx,Wx
66 0f 10        movups   Vx,Wx
f3 0f 10 mod=m  movss_load Vd,Wd
f3 0f 10 mod=r  movss    Vd,Wd
f2 0f 10 mod=m  movsd_load Vq,Wq
f2 0f 10 mod=r  movsd    Vq,Wq
np 0f 11        movups   Wx,Vx
66 0f 11        movups   Wx,Vx
f3 0f 11        movss    Wd,Vd
f2 0f 11        movsd    Wq,Vq
np 0f 12 mod=m  movsd    Vq,Wq      # movlps
np 0f 12 mod=r  movhlps  Vx,Ux
66 0f 12        movsd    Vq,Mq      # movlpd
np 0f 13        movsd    Mq,Vq
66 0f 13        movsd    Mq,Vq
np 0f 14        punpckldq Vx,Wx     # unpcklps
66 0f 14        punpcklqdq Vx,Wx    # unpcklpd
np 0f 15        punpckhdq Vx,Wx
66 0f 15        punpckhqdq Vx,Wx
np 0f 16 mod=m  movhps_load Vx,Mq
np 0f 16 mod=r  punpcklqdq Vx,Ux    # movlhps
66 0f 16        movhps_load Vx,Mq
np 0f 17        movhps_store Mq,Vx
66 0f 17        movhps_store Mq,Vx
np 0f 28        movaps   Vx,Wx
66 0f 28        movaps   Vx,Wx
np 0f 29        movaps   Wx,Vx
66 0f 29        movaps   Wx,Vx
f3 0f 2a        cvtsi2ss Vd,Ey
f2 0f 2a        cvtsi2sd Vq,Ey
np 0f 2b        movaps   Mx,Vx      # movntps
66 0f 2b        movaps   Mx,Vx
f3 0f 2c        cvttss2si Gy,Wd
f2 0f 2c        cvttsd2si Gy,Wq
f3 0f 2d        cvtss2si Gy,Wd
f2 0f 2d        cvtsd2si Gy,Wq
np 0f 2e        ucomiss  Vd,Wd
66 0f 2e        ucomisd  Vq,Wq
np 0f 2f        comiss   Vd,Wd
66 0f 2f        comisd   Vq,Wq
np 0f 50        movmskps Gd,Ux
66 0f 50        movmskpd Gd,Ux
np 0f 51        sqrtps   Vx,Wx
66 0f 51        sqrtpd   Vx,Wx
f3 0f 51        sqrtss   Vd,Wd
f2 0f 51        sqrtsd   Vq,Wq
np 0f 52        rsqrtps  Vx,Wx
f3 0f 52        rsqrtss  Vd,Wd
np 0f 53        rcpps    Vx,Wx
f3 0f 53        rcpss    Vd,Wd
np 0f 54        pand     Vx,Wx
66 0f 54        pand     Vx,Wx
np 0f 55        pandn    Vx,Wx
66 0f 55        pandn    Vx,Wx
np 0f 56        por      Vx,Wx
66 0f 56        por      Vx,Wx
np 0f 57        pxor     Vx,Wx
66 0f 57        pxor     Vx,Wx
np 0f 58        addps    Vx,Wx
66 0f 58        addpd    Vx,Wx
f3 0f 58        addss    Vd,Wd
f2 0f 58        addsd    Vq,Wq
np 0f 59        mulps    Vx,Wx
66 0f 59        mulpd    Vx,Wx
f3 0f 59        mulss    Vd,Wd
f2 0f 59        mulsd    Vq,Wq
np 0f 5a        cvtps2pd Vx,Wq
66 0f 5a        cvtpd2ps Vx,Wx
f3 0f 5a        cvtss2sd Vq,Wd
f2 0f 5a        cvtsd2ss Vd,Wq
np 0f 5b        cvtdq2ps Vx,Wx
66 0f 5b        cvtps2dq Vx,Wx
f3 0f 5b        cvttps2dq Vx,Wx
np 0f 5c        subps    Vx,Wx
66 0f 5c        subpd    Vx,Wx
f3 0f 5c        subss    Vd,Wd
f2 0f 5c        subsd    Vq,Wq
np 0f 5d        minps    Vx,Wx
66 0f 5d        minpd    Vx,Wx
f3 0f 5d        minss    Vd,Wd
f2 0f 5d        minsd    Vq,Wq
np 0f 5e        divps    Vx,Wx
66 0f 5e        divpd    Vx,Wx
f3 0f 5e        divss    Vd,Wd
f2 0f 5e        divsd    Vq,Wq
np 0f 5f        maxps    Vx,Wx
66 0f 5f        maxpd    Vx,Wx
f3 0f 5f        maxss    Vd,Wd
f2 0f 5f        maxsd    Vq,Wq

66 0f 60        punpcklbw Vx,Wx
66 0f 61        punpcklwd Vx,Wx
66 0f 62        punpckldq Vx,Wx
66 0f 63        packsswb Vx,Wx
66 0f 64        pcmpgtb  Vx,Wx
66 0f 65        pcmpgtw  Vx,Wx
66 0f 66        pcmpgtd  Vx,Wx
66 0f 67        packuswb Vx,Wx
66 0f 68        punpckhbw Vx,Wx
66 0f 69        punpckhwd Vx,Wx
66 0f 6a        punpckhdq Vx,Wx
66 0f 6b        packssdw Vx,Wx
66 0f 6c        punpcklqdq Vx,Wx
66 0f 6d        punpckhqdq Vx,Wx
66 0f 6e        movd_load Vx,Ey     # movd, movq from a general register or memory
66 0f 6f        movaps   Vx,Wx      # movdqa
f3 0f 6f        movups   Vx,Wx      # movdqu
66 0f 70        pshufd   Vx,Wx,Ib
f3 0f 70        pshufhw  Vx,Wx,Ib
f2 0f 70        pshuflw  Vx,Wx,Ib
66 0f 71 /2     psrlw    Ux,Ib
66 0f 71 /4     psraw    Ux,Ib
66 0f 71 /6     psllw    Ux,Ib
66 0f 72 /2     psrld    Ux,Ib
66 0f 72 /4     psrad    Ux,Ib
66 0f 72 /6     pslld    Ux,Ib
66 0f 73 /2     psrlq    Ux,Ib
66 0f 73 /3     psrldq   Ux,Ib
66 0f 73 /6     psllq    Ux,Ib
66 0f 73 /7     pslldq   Ux,Ib
66 0f 74        pcmpeqb  Vx,Wx
66 0f 75        pcmpeqw  Vx,Wx
66 0f 76        pcmpeqd  Vx,Wx
66 0f 7e        movd_store Ey,Vx
f3 0f 7e        movq_load Vq,Wq     # movq
66 0f 7f        movaps   Wx,Vx
f3 0f 7f        movups   Wx,Vx

np 0f ae /2     ldmxcsr  Md
np 0f ae /3     stmxcsr  Md
np 0f ae /7 mod=m clflush Mb
np 0f c2        cmpps    Vx,Wx,Ib
66 0f c2        cmppd    Vx,Wx,Ib
f3 0f c2        cmpss    Vd,Wd,Ib
f2 0f c2        cmpsd    Vq,Wq,Ib
66 0f c4        pinsrw   Vx,Ew,Ib
66 0f c5        pextrw   Gd,Ux,Ib
np 0f c6        shufps   Vx,Wx,Ib
66 0f c6        shufpd   Vx,Wx,Ib

66 0f d1        psrlw    Vx,Wx
66 0f d2        psrld    Vx,Wx
66 0f d3        psrlq    Vx,Wx
66 0f d4        paddq    Vx,Wx
66 0f d5        pmullw   Vx,Wx
66 0f d6 mod=m  movsd    Wq,Vq      # movq
66 0f d6 mod=r  movq_load Wq,Vq
66 0f d7        pmovmskb Gd,Ux
66 0f d8        psubusb  Vx,Wx
66 0f d9        psubusw  Vx,Wx
66 0f da        pminub   Vx,Wx
66 0f db        pand     Vx,Wx
66 0f dc        paddusb  Vx,Wx
66 0f dd        paddusw  Vx,Wx
66 0f de        pmaxub   Vx,Wx
66 0f df        pandn    Vx,Wx
66 0f e0        pavgb    Vx,Wx
66 0f e1        psraw    Vx,Wx
66 0f e2        psrad    Vx,Wx
66 0f e3        pavgw    Vx,Wx
66 0f e4        pmulhuw  Vx,Wx
66 0f e5        pmulhw   Vx,Wx
66 0f e6        cvttpd2dq Vx,Wx
f3 0f e6        cvtdq2pd Vx,Wq
f2 0f e6        cvtpd2dq Vx,Wx
66 0f e7        movaps   Mx,Vx      # movntdq
66 0f e8        psubsb   Vx,Wx
66 0f e9        psubsw   Vx,Wx
66 0f ea        pminsw   Vx,Wx
66 0f eb        por      Vx,Wx
66 0f ec        paddsb   Vx,Wx
66 0f ed        paddsw   Vx,Wx
66 0f ee        pmaxsw   Vx,Wx
66 0f ef        pxor     Vx,Wx
66 0f f1        psllw    Vx,Wx
66 0f f2        pslld    Vx,Wx
66 0f f3        psllq    Vx,Wx
66 0f f4        pmuludq  Vx,Wx
66 0f f5        pmaddwd  Vx,Wx
66 0f f6        psadbw   Vx,Wx
66 0f f7        maskmovdqu Vx,Ux
66 0f f8        psubb    Vx,Wx
66 0f f9        psubw    Vx,Wx
66 0f fa        psubd    Vx,Wx
66 0f fb        psubq    Vx,Wx
66 0f fc        paddb    Vx,Wx
66 0f fd        paddw    Vx,Wx
66 0f fe        paddd    Vx,Wx
`;
