"""Place names known to the guard, Chinese and English, with one canonical value for each place."""

from __future__ import annotations

# One place a row entry: Chinese names / English names. The first name is the value; "+" joins what stands for it
# (a people or an adjective).
_PROVINCES = """
北京/Beijing/Peking 天津/Tianjin 上海/Shanghai 重庆/Chongqing 河北/Hebei 山西/Shanxi 辽宁/Liaoning 吉林/Jilin 黑龙江/Heilongjiang
江苏/Jiangsu 浙江/Zhejiang 安徽/Anhui 福建/Fujian 江西/Jiangxi 山东/Shandong 河南/Henan 湖北/Hubei 湖南/Hunan 广东/Guangdong 海南/Hainan
四川/Sichuan 贵州/Guizhou 云南/Yunnan 陕西/Shaanxi 甘肃/Gansu 青海/Qinghai 内蒙古/内蒙/Inner-Mongolia 广西/Guangxi 西藏/Tibet 宁夏/Ningxia
新疆/Xinjiang 香港/Hong-Kong 澳门/Macau/Macao 台湾/Taiwan/Taiwanese
"""
_CITIES = """
石家庄/Shijiazhuang 唐山/Tangshan 秦皇岛/Qinhuangdao 邯郸/Handan 保定/Baoding 张家口/Zhangjiakou 承德/Chengde 沧州/Cangzhou 廊坊/Langfang
邢台/Xingtai 衡水/Hengshui 雄安/Xiongan 太原/Taiyuan 大同/Datong 临汾/Linfen 运城/Yuncheng 长治/Changzhi 晋城/Jincheng 呼和浩特/Hohhot 包头/Baotou 鄂尔多斯/Ordos 赤峰/Chifeng
沈阳/Shenyang 大连/Dalian 鞍山/Anshan 锦州/Jinzhou 丹东/Dandong 抚顺/Fushun 营口/Yingkou 葫芦岛/Huludao 长春/Changchun 吉林市 四平/Siping 通化/Tonghua 延边/Yanbian
哈尔滨/Harbin 大庆/Daqing 齐齐哈尔/Qiqihar 牡丹江/Mudanjiang 佳木斯/Jiamusi 绥化/Suihua 南京/Nanjing/Nanking 苏州/Suzhou 无锡/Wuxi 常州/Changzhou 徐州/Xuzhou 南通/Nantong
扬州/Yangzhou 盐城/Yancheng 连云港/Lianyungang 镇江/Zhenjiang 泰州/Taizhou-Jiangsu 淮安/Huaian 宿迁/Suqian 昆山/Kunshan 江阴/Jiangyin 杭州/Hangzhou 宁波/Ningbo 温州/Wenzhou
绍兴/Shaoxing 嘉兴/Jiaxing 湖州/Huzhou 金华/Jinhua 义乌/Yiwu 台州/Taizhou 衢州/Quzhou 丽水/Lishui 舟山/Zhoushan 合肥/Hefei 芜湖/Wuhu 蚌埠/Bengbu 阜阳/Fuyang 马鞍山/Maanshan
淮南/Huainan 安庆/Anqing 六安/Luan 宿州/Suzhou-Anhui 亳州/Bozhou 黄山/Huangshan 滁州/Chuzhou 福州/Fuzhou 厦门/Xiamen 泉州/Quanzhou 漳州/Zhangzhou 莆田/Putian 龙岩/Longyan 三明/Sanming 南平/Nanping 宁德/Ningde
南昌/Nanchang 九江/Jiujiang 赣州/Ganzhou 上饶/Shangrao 宜春/Yichun 吉安/Jian 景德镇/Jingdezhen 济南/Jinan 青岛/Qingdao 烟台/Yantai 潍坊/Weifang 淄博/Zibo 临沂/Linyi 济宁/Jining 威海/Weihai
泰安/Taian 德州/Dezhou 聊城/Liaocheng 菏泽/Heze 枣庄/Zaozhuang 东营/Dongying 日照/Rizhao 滨州/Binzhou 郑州/Zhengzhou 洛阳/Luoyang 开封/Kaifeng 南阳/Nanyang 新乡/Xinxiang 信阳/Xinyang 周口/Zhoukou
商丘/Shangqiu 驻马店/Zhumadian 安阳/Anyang 平顶山/Pingdingshan 许昌/Xuchang 焦作/Jiaozuo 濮阳/Puyang 漯河/Luohe 三门峡/Sanmenxia 武汉/Wuhan 宜昌/Yichang 襄阳/Xiangyang 荆州/Jingzhou 黄冈/Huanggang 孝感/Xiaogan 十堰/Shiyan
黄石/Huangshi 鄂州/Ezhou 咸宁/Xianning 随州/Suizhou 恩施/Enshi 荆门/Jingmen 仙桃/Xiantao 长沙/Changsha 株洲/Zhuzhou 湘潭/Xiangtan 衡阳/Hengyang 岳阳/Yueyang 常德/Changde 郴州/Chenzhou 邵阳/Shaoyang 永州/Yongzhou
怀化/Huaihua 益阳/Yiyang 娄底/Loudi 张家界/Zhangjiajie 广州/Guangzhou/Canton 深圳/Shenzhen 东莞/Dongguan 佛山/Foshan 珠海/Zhuhai 中山市/Zhongshan 惠州/Huizhou 汕头/Shantou 湛江/Zhanjiang 江门/Jiangmen 茂名/Maoming 肇庆/Zhaoqing
揭阳/Jieyang 梅州/Meizhou 清远/Qingyuan 韶关/Shaoguan 潮州/Chaozhou 阳江/Yangjiang 河源/Heyuan 汕尾/Shanwei 云浮/Yunfu 南宁/Nanning 桂林/Guilin 柳州/Liuzhou 北海/Beihai 玉林/Yulin-Guangxi 梧州/Wuzhou 百色/Baise 海口/Haikou 三亚/Sanya
成都/Chengdu 绵阳/Mianyang 德阳/Deyang 宜宾/Yibin 泸州/Luzhou 南充/Nanchong 乐山/Leshan 自贡/Zigong 达州/Dazhou 内江/Neijiang 遂宁/Suining 攀枝花/Panzhihua 广元/Guangyuan 雅安/Yaan 汶川/Wenchuan 九寨沟/Jiuzhaigou
贵阳/Guiyang 遵义/Zunyi 毕节/Bijie 六盘水/Liupanshui 昆明/Kunming 大理/Dali 丽江/Lijiang 曲靖/Qujing 昭通/Zhaotong 西双版纳/Xishuangbanna 西安/Xian/Xi'an 咸阳/Xianyang 宝鸡/Baoji 渭南/Weinan 延安/Yanan 汉中/Hanzhong 榆林/Yulin
兰州/Lanzhou 天水/Tianshui 酒泉/Jiuquan 西宁/Xining 银川/Yinchuan 乌鲁木齐/Urumqi 喀什/Kashgar 拉萨/Lhasa 台北/Taipei 新北/New-Taipei 高雄/Kaohsiung 台中/Taichung 台南/Tainan 桃园/Taoyuan 新竹/Hsinchu 基隆/Keelung 花莲/Hualien 嘉义/Chiayi 屏东/Pingtung 宜兰/Yilan
浦东/Pudong 海淀/Haidian 朝阳区 九龙/Kowloon 淮河 长江/Yangtze 黄河/Yellow-River 太湖 三峡/Three-Gorges 东北 华北 华南 华东 西北 西南
"""
_COUNTRIES = """
中国/China/Chinese 美国/America/American/Americans/United-States/USA/U.S./US/U.S.A. 英国/Britain/British/United-Kingdom/UK/U.K./England/English 法国/France/French 德国/Germany/German/Germans 意大利/Italy/Italian/Italians 西班牙/Spain/Spanish
葡萄牙/Portugal/Portuguese 荷兰/Netherlands/Holland/Dutch 比利时/Belgium/Belgian 瑞士/Switzerland/Swiss 奥地利/Austria/Austrian 瑞典/Sweden/Swedish 挪威/Norway/Norwegian 丹麦/Denmark/Danish 芬兰/Finland/Finnish 冰岛/Iceland/Icelandic
爱尔兰/Ireland/Irish 苏格兰/Scotland/Scottish 波兰/Poland/Polish 捷克/Czech-Republic/Czech 匈牙利/Hungary/Hungarian 希腊/Greece/Greek 罗马尼亚/Romania/Romanian 保加利亚/Bulgaria 乌克兰/Ukraine/Ukrainian 俄罗斯/俄国/Russia/Russian/Russians 土耳其/Turkey/Turkish
日本/Japan/Japanese 韩国/South-Korea/Korea/Korean 朝鲜/North-Korea/North-Korean 蒙古/Mongolia 越南/Vietnam/Vietnamese 泰国/Thailand/Thai 老挝/Laos 柬埔寨/Cambodia/Cambodian 缅甸/Myanmar/Burma/Burmese 马来西亚/Malaysia/Malaysian 新加坡/Singapore/Singaporean
印度尼西亚/印尼/Indonesia/Indonesian 菲律宾/Philippines/Filipino 印度/India/Indian/Indians 巴基斯坦/Pakistan/Pakistani 孟加拉国/孟加拉/Bangladesh 斯里兰卡/Sri-Lanka 尼泊尔/Nepal 阿富汗/Afghanistan/Afghan 伊朗/Iran/Iranian/Iranians 伊拉克/Iraq/Iraqi
叙利亚/Syria/Syrian 以色列/Israel/Israeli 巴勒斯坦/Palestine/Palestinian 沙特阿拉伯/沙特/Saudi-Arabia/Saudi 阿联酋/UAE/Emirates/Dubai/迪拜 卡塔尔/Qatar 科威特/Kuwait 约旦/Jordan 黎巴嫩/Lebanon 也门/Yemen
埃及/Egypt/Egyptian 南非/South-Africa/South-African 尼日利亚/Nigeria/Nigerian 肯尼亚/Kenya/Kenyan 埃塞俄比亚/Ethiopia 加纳/Ghana 刚果/Congo 索马里/Somalia 苏丹/Sudan 利比亚/Libya 摩洛哥/Morocco 坦桑尼亚/Tanzania 乌干达/Uganda 赞比亚/Zambia 津巴布韦/Zimbabwe
加拿大/Canada/Canadian/Canadians 墨西哥/Mexico/Mexican/Mexicans 巴西/Brazil/Brazilian 阿根廷/Argentina/Argentine 智利/Chile/Chilean 秘鲁/Peru 哥伦比亚/Colombia 委内瑞拉/Venezuela 古巴/Cuba/Cuban 海地/Haiti/Haitian 澳大利亚/澳洲/Australia/Australian 新西兰/New-Zealand
欧洲/Europe/European 亚洲/Asia/Asian 非洲/Africa/African 南美/South-America 北美/North-America 中东/Middle-East 欧盟/EU/European-Union 南极/Antarctica 北极/Arctic
"""
_WORLD_CITIES = """
纽约/New-York/New-York-City/NYC 洛杉矶/Los-Angeles/LA 芝加哥/Chicago 休斯顿/休斯敦/Houston 旧金山/San-Francisco 华盛顿/Washington/Washington-D.C./Washington-DC 波士顿/Boston 西雅图/Seattle 费城/Philadelphia 迈阿密/Miami 达拉斯/Dallas 奥斯汀/Austin 底特律/Detroit 亚特兰大/Atlanta 凤凰城/Phoenix
丹佛/Denver 拉斯维加斯/Las-Vegas 新奥尔良/New-Orleans 巴尔的摩/Baltimore 夏洛特/Charlotte 波特兰/Portland 奥兰多/Orlando 圣地亚哥/San-Diego 克利夫兰/Cleveland 明尼阿波利斯/Minneapolis 密尔沃基/Milwaukee 匹兹堡/Pittsburgh 圣路易斯/St.-Louis 弗格森/Ferguson 夏洛茨维尔/Charlottesville
加利福尼亚/加州/California 德克萨斯/得州/Texas 佛罗里达/Florida 阿拉巴马/Alabama 阿拉斯加/Alaska 亚利桑那/Arizona 阿肯色/Arkansas 科罗拉多/Colorado 康涅狄格/Connecticut 特拉华/Delaware 佐治亚/Georgia 夏威夷/Hawaii 爱达荷/Idaho 伊利诺伊/Illinois 印第安纳/Indiana 艾奥瓦/Iowa 堪萨斯/Kansas 肯塔基/Kentucky
路易斯安那/Louisiana 缅因/Maine 马里兰/Maryland 马萨诸塞/Massachusetts 密歇根/Michigan 明尼苏达/Minnesota 密西西比/Mississippi 密苏里/Missouri 蒙大拿/Montana 内布拉斯加/Nebraska 内华达/Nevada 新罕布什尔/New-Hampshire 新泽西/New-Jersey 新墨西哥/New-Mexico 北卡罗来纳/North-Carolina 北达科他/North-Dakota
俄亥俄/Ohio 俄克拉何马/Oklahoma 俄勒冈/Oregon 宾夕法尼亚/宾州/Pennsylvania 罗得岛/Rhode-Island 南卡罗来纳/South-Carolina 南达科他/South-Dakota 田纳西/Tennessee 犹他/Utah 佛蒙特/Vermont 弗吉尼亚/Virginia 西弗吉尼亚/West-Virginia 威斯康星/Wisconsin 怀俄明/Wyoming 波多黎各/Puerto-Rico
伦敦/London 曼彻斯特/Manchester 利物浦/Liverpool 爱丁堡/Edinburgh 巴黎/Paris 柏林/Berlin 慕尼黑/Munich 汉堡/Hamburg 法兰克福/Frankfurt 罗马/Rome 米兰/Milan 威尼斯/Venice 马德里/Madrid 巴塞罗那/Barcelona 里斯本/Lisbon 阿姆斯特丹/Amsterdam 布鲁塞尔/Brussels 日内瓦/Geneva 维也纳/Vienna 斯德哥尔摩/Stockholm
奥斯陆/Oslo 哥本哈根/Copenhagen 赫尔辛基/Helsinki 都柏林/Dublin 华沙/Warsaw 布拉格/Prague 布达佩斯/Budapest 雅典/Athens 莫斯科/Moscow 圣彼得堡/Saint-Petersburg 基辅/Kyiv/Kiev 伊斯坦布尔/Istanbul 东京/Tokyo 大阪/Osaka 京都/Kyoto 福岛/Fukushima 北海道/Hokkaido 名古屋/Nagoya 首尔/Seoul 釜山/Busan 平壤/Pyongyang
曼谷/Bangkok 河内/Hanoi 吉隆坡/Kuala-Lumpur 雅加达/Jakarta 马尼拉/Manila 新德里/New-Delhi/Delhi 孟买/Mumbai 卡拉奇/Karachi 喀布尔/Kabul 德黑兰/Tehran 巴格达/Baghdad 大马士革/Damascus 耶路撒冷/Jerusalem 加沙/Gaza 开罗/Cairo 内罗毕/Nairobi 拉各斯/Lagos 开普敦/Cape-Town 多伦多/Toronto 温哥华/Vancouver 蒙特利尔/Montreal
渥太华/Ottawa 墨西哥城/Mexico-City 里约热内卢/里约/Rio 圣保罗/Sao-Paulo 布宜诺斯艾利斯/Buenos-Aires 悉尼/Sydney 墨尔本/Melbourne 布里斯班/Brisbane 珀斯/Perth 奥克兰/Auckland 基督城/Christchurch
"""


def _names(rows: str) -> dict[str, str]:
    places: dict[str, str] = {}
    for entry in rows.split():
        names = entry.split("/")
        for name in names:
            places.setdefault(name.replace("-", " "), names[0])
    return places


_ALL = _names(_PROVINCES) | _names(_CITIES) | _names(_COUNTRIES) | _names(_WORLD_CITIES)
ZH_PLACES: dict[str, str] = {name: place for name, place in _ALL.items() if not name.isascii()}
# English names stay capitalised: "turkey" is a bird, "us" a pronoun.
EN_PLACES: dict[str, str] = {name: place for name, place in _ALL.items() if name.isascii()}
PLACE_SUFFIXES = ("市", "省", "县", "区", "州", "镇", "村", "乡", "岛", "自治区", "特别行政区")
# Ends like a place name and is none.
NOT_PLACES = frozenset(
    "城市 超市 股市 上市 门市 都市 夜市 集市 楼市 车市 菜市 全市 本市 该市 我市 外市 小区 地区 社区 灾区 疫区 山区 市区 景区 校区 城区 厂区 军区 辖区 "
    "园区 病区 禁区 郊区 东区 西区 全区 本区 我区 该区 片区 街区 战区 特区 雷区 误区 牧区 林区 库区 湖区 海区 专区 分区 时区 农村 乡村 全村 本村 各村 "
    "山村 全县 本县 我县 该县 各县 贫困县 全镇 城镇 乡镇 古镇 小镇 各省 全省 本省 我省 外省 该省 跨省 各市 外区 新区 开发区 高风险区 风险区 警戒区 隔离区 居民区 住宅区 无人区 管控区 封控区 防范区 行政区 "
    "反省 节省 半岛 海岛 小岛 孤岛 群岛 自治州 神州 同村 村村 该村 渔村 新村 冰镇 坐镇 重镇 老区 蓄滞洪区 分洪区 泄洪区 洪区".split()
)
