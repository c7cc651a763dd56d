/**
 * Encodings of the x87 (Intel SDM vol. 2, appendix A.5, and the instruction pages). Suffixes of mnemonics: `_0i` is
 * ST(0) op= ST(i), `_i0` is ST(i) op= ST(0), `_i` an integer in memory. The four "reserved" aliases that every processor
 * decodes (SDM: not documented; AMD APM vol. 5: reserved) are those with two lines.
 */
export const X87_TABLE = `
9b              fwait       -

d8 /0 mod=m     fadd        Md
d8 /1 mod=m     fmul        Md
d8 /2 mod=m     fcom        Md
d8 /3 mod=m     fcomp       Md
d8 /4 mod=m     fsub        Md
d8 /5 mod=m     fsubr       Md
d8 /6 mod=m     fdiv        Md
d8 /7 mod=m     fdivr       Md
d8 /0 mod=r     fadd_0i     Tt
d8 /1 mod=r     fmul_0i     Tt
d8 /2 mod=r     fcom_0i     Tt
d8 /3 mod=r     fcomp_0i    Tt
d8 /4 mod=r     fsub_0i     Tt
d8 /5 mod=r     fsubr_0i    Tt
d8 /6 mod=r     fdiv_0i     Tt
d8 /7 mod=r     fdivr_0i    Tt

d9 /0 mod=m     fld         Md
d9 /2 mod=m     fst         Md
d9 /3 mod=m     fstp        Md
d9 /4 mod=m     fldenv      M
d9 /5 mod=m     fldcw       Mw
d9 /6 mod=m     fnstenv     M
d9 /7 mod=m     fnstcw      Mw
d9 /0 mod=r     fld_i       Tt
d9 /1 mod=r     fxch        Tt
d9 /2 mod=r rm=0  fnop      -
d9 /3 mod=r     fstpnce_i   Tt
d9 /4 mod=r rm=0  fchs      -
d9 /4 mod=r rm=1  fabs      -
d9 /4 mod=r rm=4  ftst      -
d9 /4 mod=r rm=5  fxam      -
d9 /5 mod=r rm=0  fld1      -
d9 /5 mod=r rm=1  fldl2t    -
d9 /5 mod=r rm=2  fldl2e    -
d9 /5 mod=r rm=3  fldpi     -
d9 /5 mod=r rm=4  fldlg2    -
d9 /5 mod=r rm=5  fldln2    -
d9 /5 mod=r rm=6  fldz      -
d9 /6 mod=r rm=0  f2xm1     -
d9 /6 mod=r rm=1  fyl2x     -
d9 /6 mod=r rm=2  fptan     -
d9 /6 mod=r rm=3  fpatan    -
d9 /6 mod=r rm=4  fxtract   -
d9 /6 mod=r rm=5  fprem1    -
d9 /6 mod=r rm=6  fdecstp   -
d9 /6 mod=r rm=7  fincstp   -
d9 /7 mod=r rm=0  fprem     -
d9 /7 mod=r rm=1  fyl2xp1   -
d9 /7 mod=r rm=2  fsqrt     -
d9 /7 mod=r rm=3  fsincos   -
d9 /7 mod=r rm=4  frndint   -
d9 /7 mod=r rm=5  fscale    -
d9 /7 mod=r rm=6  fsin      -
d9 /7 mod=r rm=7  fcos      -

da /0 mod=m     fadd_i      Md
da /1 mod=m     fmul_i      Md
da /2 mod=m     fcom_i      Md
da /3 mod=m     fcomp_i     Md
da /4 mod=m     fsub_i      Md
da /5 mod=m     fsubr_i     Md
da /6 mod=m     fdiv_i      Md
da /7 mod=m     fdivr_i     Md
da /0 mod=r     fcmovb      Tt
da /1 mod=r     fcmove      Tt
da /2 mod=r     fcmovbe     Tt
da /3 mod=r     fcmovu      Tt
da /5 mod=r rm=1  fucompp   -

db /0 mod=m     fild        Md
db /1 mod=m     fisttp      Md
db /2 mod=m     fist        Md
db /3 mod=m     fistp       Md
db /5 mod=m     fld         Mt
db /7 mod=m     fstp        Mt
db /0 mod=r     fcmovnb     Tt
db /1 mod=r     fcmovne     Tt
db /2 mod=r     fcmovnbe    Tt
db /3 mod=r     fcmovnu     Tt
db /4 mod=r rm=0  fnop_nowait  -
db /4 mod=r rm=1  fnop_nowait  -
db /4 mod=r rm=2  fnclex    -
db /4 mod=r rm=3  fninit    -
db /4 mod=r rm=4  fnop_nowait  -
db /5 mod=r     fucomi      Tt
db /6 mod=r     fcomi       Tt

dc /0 mod=m     fadd        Mq
dc /1 mod=m     fmul        Mq
dc /2 mod=m     fcom        Mq
dc /3 mod=m     fcomp       Mq
dc /4 mod=m     fsub        Mq
dc /5 mod=m     fsubr       Mq
dc /6 mod=m     fdiv        Mq
dc /7 mod=m     fdivr       Mq
dc /0 mod=r     fadd_i0     Tt
dc /1 mod=r     fmul_i0     Tt
dc /2 mod=r     fcom_0i     Tt
dc /3 mod=r     fcomp_0i    Tt
dc /4 mod=r     fsubr_i0    Tt
dc /5 mod=r     fsub_i0     Tt
dc /6 mod=r     fdivr_i0    Tt
dc /7 mod=r     fdiv_i0     Tt

66 d9 /4 mod=m  fldenv16    M
66 d9 /6 mod=m  fnstenv16   M
66 dd /4 mod=m  frstor16    M
66 dd /6 mod=m  fnsave16    M

dd /0 mod=m     fld         Mq
dd /1 mod=m     fisttp      Mq
dd /2 mod=m     fst         Mq
dd /3 mod=m     fstp        Mq
dd /4 mod=m     frstor      M
dd /6 mod=m     fnsave      M
dd /7 mod=m     fnstsw      Mw
dd /0 mod=r     ffree       Tt
dd /1 mod=r     fxch        Tt
dd /2 mod=r     fst_i       Tt
dd /3 mod=r     fstp_i      Tt
dd /4 mod=r     fucom_0i    Tt
dd /5 mod=r     fucomp_0i   Tt

de /0 mod=m     fadd_i      Mw
de /1 mod=m     fmul_i      Mw
de /2 mod=m     fcom_i      Mw
de /3 mod=m     fcomp_i     Mw
de /4 mod=m     fsub_i      Mw
de /5 mod=m     fsubr_i     Mw
de /6 mod=m     fdiv_i      Mw
de /7 mod=m     fdivr_i     Mw
de /0 mod=r     faddp_i0    Tt
de /1 mod=r     fmulp_i0    Tt
de /2 mod=r     fcomp_0i    Tt
de /3 mod=r rm=1  fcompp    -
de /4 mod=r     fsubrp_i0   Tt
de /5 mod=r     fsubp_i0    Tt
de /6 mod=r     fdivrp_i0   Tt
de /7 mod=r     fdivp_i0    Tt

df /0 mod=m     fild        Mw
df /1 mod=m     fisttp      Mw
df /2 mod=m     fist        Mw
df /3 mod=m     fistp       Mw
df /4 mod=m     fbld        Mt
df /5 mod=m     fild        Mq
df /6 mod=m     fbstp       Mt
df /7 mod=m     fistp       Mq
df /0 mod=r     ffreep      Tt
df /1 mod=r     fxch        Tt
df /2 mod=r     fstp_i      Tt
df /3 mod=r     fstp_i      Tt
df /4 mod=r rm=0  fnstsw_ax  -
df /5 mod=r     fucomip     Tt
df /6 mod=r     fcomip      Tt

np 0f ae /0 mod=m  fxsave   M
np 0f ae /1 mod=m  fxrstor  M
`;
