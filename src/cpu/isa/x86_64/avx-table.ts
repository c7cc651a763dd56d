/**
 * Encodings of AVX, AVX2 and F16C (Intel SDM vol. 2, appendix A.3). table.ts says how a row is written.
 *
 * As in sse-table.ts, instructions that do the same have the same mnemonic: vpand also stands for vandps and vandpd,
 * vmovaps for all aligned moves, vmovups for all unaligned ones. What writes no vector register has the definition, and
 * so the mnemonic, of its SSE form, unless that demands an aligned operand.
 */
export const avxTable = `
vex.0f               10        vmovups        Vx,Wx
vex.0f               11        vmovups        Wx,Vx
vex.66.0f            10        vmovups        Vx,Wx
vex.66.0f            11        vmovups        Wx,Vx
vex.f3.0f            10 mod=m  vmovss_load    Vd,Wd
vex.f3.0f            10 mod=r  vmovss         Vd,Hd,Wd
vex.f2.0f            10 mod=m  vmovsd_load    Vq,Wq
vex.f2.0f            10 mod=r  vmovsd         Vq,Hq,Wq
vex.f3.0f            11 mod=m  movss          Wd,Vd
vex.f3.0f            11 mod=r  vmovss         Wd,Hd,Vd
vex.f2.0f            11 mod=m  movsd          Wq,Vq
vex.f2.0f            11 mod=r  vmovsd         Wq,Hq,Vq
vex.128.0f           12 mod=m  vmovlps        Vdq,Hdq,Mq
vex.128.0f           12 mod=r  vmovhlps       Vdq,Hdq,Udq
vex.128.66.0f        12        vmovlps        Vdq,Hdq,Mq
vex.128.f2.0f        12        vmovddup       Vdq,Wq
vex.256.f2.0f        12        vmovddup       Vqq,Wqq
vex.f3.0f            12        vmovsldup      Vx,Wx
vex.128.0f           13        movsd          Mq,Vq
vex.128.66.0f        13        movsd          Mq,Vq
vex.0f               14        vpunpckldq     Vx,Hx,Wx
vex.66.0f            14        vpunpcklqdq    Vx,Hx,Wx
vex.0f               15        vpunpckhdq     Vx,Hx,Wx
vex.66.0f            15        vpunpckhqdq    Vx,Hx,Wx
vex.128.0f           16 mod=m  vmovhps        Vdq,Hdq,Mq
vex.128.0f           16 mod=r  vpunpcklqdq    Vdq,Hdq,Udq
vex.128.66.0f        16        vmovhps        Vdq,Hdq,Mq
vex.f3.0f            16        vmovshdup      Vx,Wx
vex.128.0f           17        movhps_store   Mq,Vq
vex.128.66.0f        17        movhps_store   Mq,Vq
vex.0f               28        vmovaps        Vx,Wx
vex.0f               29        vmovaps        Wx,Vx
vex.0f               2b        vmovaps        Mx,Vx
vex.66.0f            28        vmovaps        Vx,Wx
vex.66.0f            29        vmovaps        Wx,Vx
vex.66.0f            2b        vmovaps        Mx,Vx
vex.f3.0f            2a        vcvtsi2ss      Vd,Hd,Ey
vex.f3.0f            2c        cvttss2si      Gy,Wd
vex.f3.0f            2d        cvtss2si       Gy,Wd
vex.f2.0f            2a        vcvtsi2sd      Vq,Hq,Ey
vex.f2.0f            2c        cvttsd2si      Gy,Wq
vex.f2.0f            2d        cvtsd2si       Gy,Wq
vex.0f               2e        ucomiss        Vd,Wd
vex.0f               2f        comiss         Vd,Wd
vex.0f               50        vmovmskps      Gd,Ux
vex.66.0f            2e        ucomisd        Vq,Wq
vex.66.0f            2f        comisd         Vq,Wq
vex.66.0f            50        vmovmskpd      Gd,Ux
vex.0f               51        vsqrtps        Vx,Wx
vex.66.0f            51        vsqrtpd        Vx,Wx
vex.f3.0f            51        vsqrtss        Vd,Hd,Wd
vex.f2.0f            51        vsqrtsd        Vq,Hq,Wq
vex.0f               52        vrsqrtps       Vx,Wx
vex.f3.0f            52        vrsqrtss       Vd,Hd,Wd
vex.0f               53        vrcpps         Vx,Wx
vex.f3.0f            53        vrcpss         Vd,Hd,Wd
vex.0f               54        vpand          Vx,Hx,Wx
vex.66.0f            54        vpand          Vx,Hx,Wx
vex.0f               55        vpandn         Vx,Hx,Wx
vex.66.0f            55        vpandn         Vx,Hx,Wx
vex.0f               56        vpor           Vx,Hx,Wx
vex.66.0f            56        vpor           Vx,Hx,Wx
vex.0f               57        vpxor          Vx,Hx,Wx
vex.66.0f            57        vpxor          Vx,Hx,Wx
vex.0f               58        vaddps         Vx,Hx,Wx
vex.66.0f            58        vaddpd         Vx,Hx,Wx
vex.f3.0f            58        vaddss         Vd,Hd,Wd
vex.f2.0f            58        vaddsd         Vq,Hq,Wq
vex.0f               59        vmulps         Vx,Hx,Wx
vex.66.0f            59        vmulpd         Vx,Hx,Wx
vex.f3.0f            59        vmulss         Vd,Hd,Wd
vex.f2.0f            59        vmulsd         Vq,Hq,Wq
vex.0f               5a        vcvtps2pd      Vx,Wh
vex.66.0f            5a        vcvtpd2ps      Vdq,Wx
vex.f3.0f            5a        vcvtss2sd      Vq,Hq,Wd
vex.f2.0f            5a        vcvtsd2ss      Vd,Hd,Wq
vex.0f               5b        vcvtdq2ps      Vx,Wx
vex.66.0f            5b        vcvtps2dq      Vx,Wx
vex.f3.0f            5b        vcvttps2dq     Vx,Wx
vex.0f               5c        vsubps         Vx,Hx,Wx
vex.66.0f            5c        vsubpd         Vx,Hx,Wx
vex.f3.0f            5c        vsubss         Vd,Hd,Wd
vex.f2.0f            5c        vsubsd         Vq,Hq,Wq
vex.0f               5d        vminps         Vx,Hx,Wx
vex.66.0f            5d        vminpd         Vx,Hx,Wx
vex.f3.0f            5d        vminss         Vd,Hd,Wd
vex.f2.0f            5d        vminsd         Vq,Hq,Wq
vex.0f               5e        vdivps         Vx,Hx,Wx
vex.66.0f            5e        vdivpd         Vx,Hx,Wx
vex.f3.0f            5e        vdivss         Vd,Hd,Wd
vex.f2.0f            5e        vdivsd         Vq,Hq,Wq
vex.0f               5f        vmaxps         Vx,Hx,Wx
vex.66.0f            5f        vmaxpd         Vx,Hx,Wx
vex.f3.0f            5f        vmaxss         Vd,Hd,Wd
vex.f2.0f            5f        vmaxsd         Vq,Hq,Wq

vex.66.0f            60        vpunpcklbw     Vx,Hx,Wx
vex.66.0f            61        vpunpcklwd     Vx,Hx,Wx
vex.66.0f            62        vpunpckldq     Vx,Hx,Wx
vex.66.0f            63        vpacksswb      Vx,Hx,Wx
vex.66.0f            64        vpcmpgtb       Vx,Hx,Wx
vex.66.0f            65        vpcmpgtw       Vx,Hx,Wx
vex.66.0f            66        vpcmpgtd       Vx,Hx,Wx
vex.66.0f            67        vpackuswb      Vx,Hx,Wx
vex.66.0f            68        vpunpckhbw     Vx,Hx,Wx
vex.66.0f            69        vpunpckhwd     Vx,Hx,Wx
vex.66.0f            6a        vpunpckhdq     Vx,Hx,Wx
vex.66.0f            6b        vpackssdw      Vx,Hx,Wx
vex.66.0f            6c        vpunpcklqdq    Vx,Hx,Wx
vex.66.0f            6d        vpunpckhqdq    Vx,Hx,Wx
vex.128.66.0f        6e        vmovd_load     Vdq,Ey
vex.66.0f            6f        vmovaps        Vx,Wx
vex.f3.0f            6f        vmovups        Vx,Wx
vex.66.0f            70        vpshufd        Vx,Wx,Ib
vex.f3.0f            70        vpshufhw       Vx,Wx,Ib
vex.f2.0f            70        vpshuflw       Vx,Wx,Ib
vex.66.0f            71 /2     vpsrlw         Hx,Ux,Ib
vex.66.0f            71 /4     vpsraw         Hx,Ux,Ib
vex.66.0f            71 /6     vpsllw         Hx,Ux,Ib
vex.66.0f            72 /2     vpsrld         Hx,Ux,Ib
vex.66.0f            72 /4     vpsrad         Hx,Ux,Ib
vex.66.0f            72 /6     vpslld         Hx,Ux,Ib
vex.66.0f            73 /2     vpsrlq         Hx,Ux,Ib
vex.66.0f            73 /3     vpsrldq        Hx,Ux,Ib
vex.66.0f            73 /6     vpsllq         Hx,Ux,Ib
vex.66.0f            73 /7     vpslldq        Hx,Ux,Ib
vex.66.0f            74        vpcmpeqb       Vx,Hx,Wx
vex.66.0f            75        vpcmpeqw       Vx,Hx,Wx
vex.66.0f            76        vpcmpeqd       Vx,Hx,Wx
vex.128.0f           77        vzeroupper     -
vex.256.0f           77        vzeroall       -
vex.66.0f            7c        vhaddpd        Vx,Hx,Wx
vex.f2.0f            7c        vhaddps        Vx,Hx,Wx
vex.66.0f            7d        vhsubpd        Vx,Hx,Wx
vex.f2.0f            7d        vhsubps        Vx,Hx,Wx
vex.128.66.0f        7e        movd_store     Ey,Vdq
vex.128.f3.0f        7e        vmovq_load    Vq,Wq
vex.66.0f            7f        vmovaps        Wx,Vx
vex.f3.0f            7f        vmovups        Wx,Vx

vex.128.0f           ae /2     ldmxcsr        Md
vex.128.0f           ae /3     stmxcsr        Md
vex.0f               c2        vcmpps         Vx,Hx,Wx,Ib
vex.66.0f            c2        vcmppd         Vx,Hx,Wx,Ib
vex.f3.0f            c2        vcmpss         Vd,Hd,Wd,Ib
vex.f2.0f            c2        vcmpsd         Vq,Hq,Wq,Ib
vex.128.66.0f        c4        vpinsrw        Vdq,Hdq,Ew,Ib
vex.128.66.0f        c5        pextrw         Gd,Udq,Ib
vex.0f               c6        vshufps        Vx,Hx,Wx,Ib
vex.66.0f            c6        vshufpd        Vx,Hx,Wx,Ib
vex.66.0f            d0        vaddsubpd      Vx,Hx,Wx
vex.f2.0f            d0        vaddsubps      Vx,Hx,Wx

vex.66.0f            d1        vpsrlw         Vx,Hx,Wdq
vex.66.0f            d2        vpsrld         Vx,Hx,Wdq
vex.66.0f            d3        vpsrlq         Vx,Hx,Wdq
vex.66.0f            d4        vpaddq         Vx,Hx,Wx
vex.66.0f            d5        vpmullw        Vx,Hx,Wx
vex.128.66.0f        d6 mod=m  movsd          Wq,Vq
vex.128.66.0f        d6 mod=r  vmovq_load    Wq,Vq
vex.66.0f            d7        vpmovmskb      Gd,Ux
vex.66.0f            d8        vpsubusb       Vx,Hx,Wx
vex.66.0f            d9        vpsubusw       Vx,Hx,Wx
vex.66.0f            da        vpminub        Vx,Hx,Wx
vex.66.0f            db        vpand          Vx,Hx,Wx
vex.66.0f            dc        vpaddusb       Vx,Hx,Wx
vex.66.0f            dd        vpaddusw       Vx,Hx,Wx
vex.66.0f            de        vpmaxub        Vx,Hx,Wx
vex.66.0f            df        vpandn         Vx,Hx,Wx
vex.66.0f            e0        vpavgb         Vx,Hx,Wx
vex.66.0f            e1        vpsraw         Vx,Hx,Wdq
vex.66.0f            e2        vpsrad         Vx,Hx,Wdq
vex.66.0f            e3        vpavgw         Vx,Hx,Wx
vex.66.0f            e4        vpmulhuw       Vx,Hx,Wx
vex.66.0f            e5        vpmulhw        Vx,Hx,Wx
vex.66.0f            e6        vcvttpd2dq     Vdq,Wx
vex.f3.0f            e6        vcvtdq2pd      Vx,Wh
vex.f2.0f            e6        vcvtpd2dq      Vdq,Wx
vex.66.0f            e7        vmovaps        Mx,Vx
vex.66.0f            e8        vpsubsb        Vx,Hx,Wx
vex.66.0f            e9        vpsubsw        Vx,Hx,Wx
vex.66.0f            ea        vpminsw        Vx,Hx,Wx
vex.66.0f            eb        vpor           Vx,Hx,Wx
vex.66.0f            ec        vpaddsb        Vx,Hx,Wx
vex.66.0f            ed        vpaddsw        Vx,Hx,Wx
vex.66.0f            ee        vpmaxsw        Vx,Hx,Wx
vex.66.0f            ef        vpxor          Vx,Hx,Wx
vex.f2.0f            f0        vmovups        Vx,Mx
vex.66.0f            f1        vpsllw         Vx,Hx,Wdq
vex.66.0f            f2        vpslld         Vx,Hx,Wdq
vex.66.0f            f3        vpsllq         Vx,Hx,Wdq
vex.66.0f            f4        vpmuludq       Vx,Hx,Wx
vex.66.0f            f5        vpmaddwd       Vx,Hx,Wx
vex.66.0f            f6        vpsadbw        Vx,Hx,Wx
vex.128.66.0f        f7        maskmovdqu     Vdq,Udq
vex.66.0f            f8        vpsubb         Vx,Hx,Wx
vex.66.0f            f9        vpsubw         Vx,Hx,Wx
vex.66.0f            fa        vpsubd         Vx,Hx,Wx
vex.66.0f            fb        vpsubq         Vx,Hx,Wx
vex.66.0f            fc        vpaddb         Vx,Hx,Wx
vex.66.0f            fd        vpaddw         Vx,Hx,Wx
vex.66.0f            fe        vpaddd         Vx,Hx,Wx

vex.66.0f38          00        vpshufb        Vx,Hx,Wx
vex.66.0f38          01        vphaddw        Vx,Hx,Wx
vex.66.0f38          02        vphaddd        Vx,Hx,Wx
vex.66.0f38          03        vphaddsw       Vx,Hx,Wx
vex.66.0f38          04        vpmaddubsw     Vx,Hx,Wx
vex.66.0f38          05        vphsubw        Vx,Hx,Wx
vex.66.0f38          06        vphsubd        Vx,Hx,Wx
vex.66.0f38          07        vphsubsw       Vx,Hx,Wx
vex.66.0f38          08        vpsignb        Vx,Hx,Wx
vex.66.0f38          09        vpsignw        Vx,Hx,Wx
vex.66.0f38          0a        vpsignd        Vx,Hx,Wx
vex.66.0f38          0b        vpmulhrsw      Vx,Hx,Wx
vex.66.0f38.w0       0c        vpermilps      Vx,Hx,Wx
vex.66.0f38.w0       0d        vpermilpd      Vx,Hx,Wx
vex.66.0f38.w0       0e        vtestps        Vx,Wx
vex.66.0f38.w0       0f        vtestpd        Vx,Wx
vex.256.66.0f38.w0   16        vpermd         Vqq,Hqq,Wqq
vex.66.0f38          17        vptest         Vx,Wx
vex.66.0f38.w0       18        vpbroadcastd   Vx,Wd
vex.256.66.0f38.w0   19        vpbroadcastq   Vqq,Wq
vex.256.66.0f38.w0   1a        vbroadcasti128 Vqq,Mdq
vex.66.0f38          1c        vpabsb         Vx,Wx
vex.66.0f38          1d        vpabsw         Vx,Wx
vex.66.0f38          1e        vpabsd         Vx,Wx
vex.66.0f38          20        vpmovsxbw      Vx,Wh
vex.66.0f38          21        vpmovsxbd      Vx,Wf
vex.66.0f38          22        vpmovsxbq      Vx,We
vex.66.0f38          23        vpmovsxwd      Vx,Wh
vex.66.0f38          24        vpmovsxwq      Vx,Wf
vex.66.0f38          25        vpmovsxdq      Vx,Wh
vex.66.0f38          28        vpmuldq        Vx,Hx,Wx
vex.66.0f38          29        vpcmpeqq       Vx,Hx,Wx
vex.66.0f38          2a        vmovaps        Vx,Mx
vex.66.0f38          2b        vpackusdw      Vx,Hx,Wx
vex.66.0f38.w0       2c        vpmaskmovd     Vx,Hx,Mx
vex.66.0f38.w0       2d        vpmaskmovq     Vx,Hx,Mx
vex.66.0f38.w0       2e        vpmaskmovd_store Mx,Hx,Vx
vex.66.0f38.w0       2f        vpmaskmovq_store Mx,Hx,Vx
vex.66.0f38          30        vpmovzxbw      Vx,Wh
vex.66.0f38          31        vpmovzxbd      Vx,Wf
vex.66.0f38          32        vpmovzxbq      Vx,We
vex.66.0f38          33        vpmovzxwd      Vx,Wh
vex.66.0f38          34        vpmovzxwq      Vx,Wf
vex.66.0f38          35        vpmovzxdq      Vx,Wh
vex.256.66.0f38.w0   36        vpermd         Vqq,Hqq,Wqq
vex.66.0f38          37        vpcmpgtq       Vx,Hx,Wx
vex.66.0f38          38        vpminsb        Vx,Hx,Wx
vex.66.0f38          39        vpminsd        Vx,Hx,Wx
vex.66.0f38          3a        vpminuw        Vx,Hx,Wx
vex.66.0f38          3b        vpminud        Vx,Hx,Wx
vex.66.0f38          3c        vpmaxsb        Vx,Hx,Wx
vex.66.0f38          3d        vpmaxsd        Vx,Hx,Wx
vex.66.0f38          3e        vpmaxuw        Vx,Hx,Wx
vex.66.0f38          3f        vpmaxud        Vx,Hx,Wx
vex.66.0f38          40        vpmulld        Vx,Hx,Wx
vex.128.66.0f38      41        vphminposuw    Vdq,Wdq
vex.66.0f38.w0       45        vpsrlvd        Vx,Hx,Wx
vex.66.0f38.w1       45        vpsrlvq        Vx,Hx,Wx
vex.66.0f38.w0       46        vpsravd        Vx,Hx,Wx
vex.66.0f38.w0       47        vpsllvd        Vx,Hx,Wx
vex.66.0f38.w1       47        vpsllvq        Vx,Hx,Wx
vex.66.0f38.w0       58        vpbroadcastd   Vx,Wd
vex.66.0f38.w0       59        vpbroadcastq   Vx,Wq
vex.256.66.0f38.w0   5a        vbroadcasti128 Vqq,Mdq
vex.66.0f38.w0       78        vpbroadcastb   Vx,Wb
vex.66.0f38.w0       79        vpbroadcastw   Vx,Ww
vex.66.0f38.w0       8c        vpmaskmovd     Vx,Hx,Mx
vex.66.0f38.w0       8e        vpmaskmovd_store Mx,Hx,Vx
vex.66.0f38.w1       8c        vpmaskmovq     Vx,Hx,Mx
vex.66.0f38.w1       8e        vpmaskmovq_store Mx,Hx,Vx
vex.66.0f38.w0       90        vpgatherdd     Vx,Yd,Hx str
vex.66.0f38.w1       90        vpgatherdq     Vx,Yq,Hx str
vex.128.66.0f38.w0   91        vpgatherqd_128 Vdq,Yd,Hdq str
vex.256.66.0f38.w0   91        vpgatherqd_256 Vdq,Yd,Hdq str
vex.66.0f38.w1       91        vpgatherqq     Vx,Yq,Hx str
vex.66.0f38.w0       92        vpgatherdd     Vx,Yd,Hx str
vex.66.0f38.w1       92        vpgatherdq     Vx,Yq,Hx str
vex.128.66.0f38.w0   93        vpgatherqd_128 Vdq,Yd,Hdq str
vex.256.66.0f38.w0   93        vpgatherqd_256 Vdq,Yd,Hdq str
vex.66.0f38.w1       93        vpgatherqq     Vx,Yq,Hx str
vex.128.66.0f38      db        vaesimc        Vdq,Wdq
vex.128.66.0f38      dc        vaesenc        Vdq,Hdq,Wdq
vex.128.66.0f38      dd        vaesenclast    Vdq,Hdq,Wdq
vex.128.66.0f38      de        vaesdec        Vdq,Hdq,Wdq
vex.128.66.0f38      df        vaesdeclast    Vdq,Hdq,Wdq

vex.256.66.0f3a.w1   00        vpermq         Vqq,Wqq,Ib
vex.256.66.0f3a.w1   01        vpermq         Vqq,Wqq,Ib
vex.66.0f3a.w0       02        vblendps       Vx,Hx,Wx,Ib
vex.66.0f3a.w0       04        vpermilps      Vx,Wx,Ib
vex.66.0f3a.w0       05        vpermilpd      Vx,Wx,Ib
vex.256.66.0f3a.w0   06        vperm2i128     Vqq,Hqq,Wqq,Ib
vex.66.0f3a          08        vroundps       Vx,Wx,Ib
vex.66.0f3a          09        vroundpd       Vx,Wx,Ib
vex.66.0f3a          0a        vroundss       Vd,Hd,Wd,Ib
vex.66.0f3a          0b        vroundsd       Vq,Hq,Wq,Ib
vex.66.0f3a          0c        vblendps       Vx,Hx,Wx,Ib
vex.66.0f3a          0d        vblendpd       Vx,Hx,Wx,Ib
vex.66.0f3a          0e        vpblendw       Vx,Hx,Wx,Ib
vex.66.0f3a          0f        vpalignr       Vx,Hx,Wx,Ib
vex.128.66.0f3a      14 mod=r  pextrb         Rd,Vdq,Ib
vex.128.66.0f3a      14 mod=m  pextrb         Mb,Vdq,Ib
vex.128.66.0f3a      15 mod=r  pextrw         Rd,Vdq,Ib
vex.128.66.0f3a      15 mod=m  pextrw         Mw,Vdq,Ib
vex.128.66.0f3a      16        pextrd         Ey,Vdq,Ib
vex.128.66.0f3a      17        pextrd         Ed,Vdq,Ib
vex.256.66.0f3a.w0   18        vinserti128    Vqq,Hqq,Wdq,Ib
vex.256.66.0f3a.w0   19        vextracti128   Wdq,Vqq,Ib
vex.128.66.0f3a      20 mod=r  vpinsrb        Vdq,Hdq,Rd,Ib
vex.128.66.0f3a      20 mod=m  vpinsrb        Vdq,Hdq,Mb,Ib
vex.128.66.0f3a      21        vinsertps      Vdq,Hdq,Wd,Ib
vex.128.66.0f3a      22        vpinsrd        Vdq,Hdq,Ey,Ib
vex.256.66.0f3a.w0   38        vinserti128    Vqq,Hqq,Wdq,Ib
vex.256.66.0f3a.w0   39        vextracti128   Wdq,Vqq,Ib
vex.66.0f3a          40        vdpps          Vx,Hx,Wx,Ib
vex.128.66.0f3a      41        vdppd          Vdq,Hdq,Wdq,Ib
vex.66.0f3a          42        vmpsadbw       Vx,Hx,Wx,Ib
vex.128.66.0f3a      44        vpclmulqdq     Vdq,Hdq,Wdq,Ib
vex.256.66.0f3a.w0   46        vperm2i128     Vqq,Hqq,Wqq,Ib
vex.66.0f3a.w0       4a        vblendvps      Vx,Hx,Wx,Lx
vex.66.0f3a.w0       4b        vblendvpd      Vx,Hx,Wx,Lx
vex.66.0f3a.w0       4c        vpblendvb      Vx,Hx,Wx,Lx
vex.128.66.0f3a      60        vpcmpestrm     Vdq,Wdq,Ay,Ib
vex.128.66.0f3a      61        pcmpestri      Vdq,Wdq,Ay,Ib
vex.128.66.0f3a      62        vpcmpistrm     Vdq,Wdq,Ib
vex.128.66.0f3a      63        pcmpistri      Vdq,Wdq,Ib
vex.128.66.0f3a      df        vaeskeygenassist Vdq,Wdq,Ib
`;
